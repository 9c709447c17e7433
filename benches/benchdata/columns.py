"""Fast text columns out of numpy arrays: digits, dates and money for millions of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Chars = npt.NDArray[np.uint8]

EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Days since 1970-01-01, the unit of every date array here."""
    return (day - EPOCH).days


def take(words: Sequence[str | None], which: npt.NDArray[np.integer]) -> pl.Series:
    """`words[which]`, one text a row."""
    return pl.Series(words, dtype=pl.String).gather(pl.Series(which.astype(np.uint32)))


def digits(numbers: Ints, width: int) -> Chars:
    """The decimal digits of each number with leading zeros, an (n, width) matrix of ASCII."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (numbers[:, None] // powers % 10 + ord("0")).astype(np.uint8)


def constant(text: str, rows: int) -> Chars:
    """The same ASCII text in every row, an (n, len(text)) matrix."""
    return np.broadcast_to(np.frombuffer(text.encode(), dtype=np.uint8), (rows, len(text)))


def joined(*parts: Chars) -> pl.Series:
    """Matrices of ASCII set side by side, one text a row."""
    matrix = np.ascontiguousarray(np.hstack(parts))
    rows, width = matrix.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(width)
    array = pa.Array.from_buffers(pa.string(), rows, [None, pa.py_buffer(offsets), pa.py_buffer(matrix)])
    return pl.Series(array)


def iso_dates(days: Ints) -> pl.Series:
    """ISO dates of day numbers."""
    if not len(days):
        return pl.Series([], dtype=pl.String)
    low, high = int(days.min()), int(days.max())
    words = [(EPOCH + timedelta(days=day)).isoformat() for day in range(low, high + 1)]
    return take(words, days - low)


def money(cents: Ints) -> pl.Series:
    """Decimal strings with two places; cents >= 0."""
    hundredths = take([f".{rest:02d}" for rest in range(100)], cents % 100)
    return pl.Series(cents // 100).cast(pl.String) + hundredths


def numbers(values: Ints) -> pl.Series:
    """Whole numbers as text."""
    return pl.Series(values).cast(pl.String)


def blank_where(column: pl.Series, empty: Mask) -> pl.Series:
    """The column with nothing (null) where `empty`."""
    return pl.select(pl.when(~pl.Series(empty)).then(column)).to_series()


def merged(rows: int, parts: Sequence[tuple[Mask, pl.Series]]) -> pl.Series:
    """One column of parts, each (where its values go, its values in row order); the masks cover every row."""
    order = np.zeros(rows, dtype=np.int64)
    start = 0
    for mask, values in parts:
        order[mask] = start + np.arange(len(values))
        start += len(values)
    return pl.concat([values for _, values in parts]).gather(pl.Series(order))


def replaced(column: pl.Series, where: Sequence[int], values: Sequence[str | None]) -> pl.Series:
    """The column with `values` at the row numbers `where`."""
    order = np.arange(len(column), dtype=np.int64)
    order[np.asarray(where, dtype=np.int64)] = len(column) + np.arange(len(where))
    longer = pl.concat([column, pl.Series(values, dtype=pl.String)])
    return longer.gather(pl.Series(order)).alias(column.name)


class CellEdits:
    """Cells of a frame to replace, gathered first and put in place once for each column."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self._cells: dict[str, tuple[list[int], list[str | None]]] = {}

    def put(self, row: int, changes: Mapping[str, str | None]) -> None:
        """Row numbers count from 0; a row may be given once."""
        for name, value in changes.items():
            where, values = self._cells.setdefault(name, ([], []))
            where.append(row)
            values.append(value)

    def result(self) -> pl.DataFrame:
        return self.frame.with_columns(
            replaced(self.frame[name], *cells) for name, cells in self._cells.items()
        )
