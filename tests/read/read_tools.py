"""What the tests of reading share: files made in memory from rows, and reading them back whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import polars as pl
import pytest

from huxin.contract import load_contract
from huxin_checks.read import FileRefused, Layout, open_rows, raw_schema
from support.rows import loan

CONTRACT = load_contract()
NAMES = [field.name for field in CONTRACT.fields]
NAMES_ZH = [field.zh for field in CONTRACT.fields]


def loans(count: int) -> list[list[str]]:
    """Cells of `count` good rows in contract order."""
    return [[loan("M0001", n)[name] for name in NAMES] for n in range(1, count + 1)]


def written(
    rows: Sequence[Sequence[str]],
    headers: Sequence[str] = tuple(NAMES),
    *,
    delimiter: str = ",",
    newline: str = "\n",
    quoting: int = csv.QUOTE_MINIMAL,
) -> str:
    """The text of a CSV file as Python's own writer makes it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=newline, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([headers, *rows])
    return out.getvalue()


def read(data: bytes, name: str = "loans.csv", batch_rows: int = 200_000) -> pl.DataFrame:
    """All rows of a file in one RAW frame."""
    with open_rows(io.BytesIO(data), name, CONTRACT, batch_rows) as rows:
        frames = list(rows)
    assert all(0 < frame.height <= batch_rows and frame.schema == raw_schema(CONTRACT) for frame in frames)
    return pl.concat([pl.DataFrame(schema=raw_schema(CONTRACT)), *frames])


def layout(data: bytes) -> Layout:
    with open_rows(io.BytesIO(data), "loans.csv", CONTRACT) as rows:
        return rows.layout


def refusal(data: bytes, name: str = "loans.csv") -> FileRefused:
    """The refusal that reading the file ends in; nothing of a parser's message may hang on it."""
    with pytest.raises(FileRefused) as caught:
        read(data, name)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or isinstance(caught.value.__context__, FileRefused)
    return caught.value


def cells(frame: pl.DataFrame) -> list[list[str]]:
    """The cells of a RAW frame in contract order, null as empty."""
    return [["" if cell is None else cell for cell in row] for row in frame.select(NAMES).rows()]
