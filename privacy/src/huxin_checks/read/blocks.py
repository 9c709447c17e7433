"""Blocks of CSV text to frames of text columns: by polars where the text is regular, else cell by cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from huxin_checks.read.frames import EXTRA, column_names
from huxin_checks.read.records import split_records
from huxin_checks.read.refused import guarded

_SLICE = 4 << 20
"""How much of a block goes the slow way before the fast way is tried again; well over a line's limit."""

_CELLS = 3_000_000
"""Cells of one frame: a block of blank lines alone would have rows by the million."""

_LF, _CR, _QUOTE = 10, 13, 34


@dataclass(frozen=True)
class Dialect:
    """How the cells of a file are parted, and how many its header has."""

    delimiter: str
    width: int


class Parsed(NamedTuple):
    """`cells`: columns c0 … c{width + EXTRA - 1}; `lines`: line breaks before each record; `used` bytes."""

    cells: pl.DataFrame
    lines: NDArray[np.int64]
    used: int
    newlines: int


class Regular(NamedTuple):
    """Up to `used` every quote stands where a writer of CSV puts one; `lines` as in Parsed."""

    lines: NDArray[np.int64]
    used: int
    newlines: int


def parse(block: bytes, dialect: Dialect, *, final: bool) -> Parsed:
    """As many whole records as one of the three ways gives; used = 0 when not even one is whole.

    `block` begins at a record and ends with a line break, unless it is the `final` one.
    """
    piece = _bearable(block, most_rows(dialect))
    if len(piece) < len(block):
        block, final = piece, False
    if b'"' not in block:
        cells = _by_polars(block, dialect, quote=None)
        return Parsed(cells, np.arange(cells.height), len(block), cells.height)
    regular = regular_part(block, dialect.delimiter, final=final)
    if regular is not None and regular.used:
        cells = _by_polars(block[: regular.used], dialect, quote='"')
        if cells.height == regular.lines.size:
            return Parsed(cells, regular.lines, regular.used, regular.newlines)
    return _by_hand(block, dialect, final=final)


def most_rows(dialect: Dialect) -> int:
    """How many rows one frame may have."""
    return max(_CELLS // (dialect.width + EXTRA), 1)


def _bearable(block: bytes, rows: int) -> bytes:
    """The block, or so much of it from its start that it has not more lines than that."""
    while (lines := block.count(b"\n")) > rows:
        cut = block.rfind(b"\n", 0, len(block) * rows // lines) + 1
        block = block[: cut or block.find(b"\n") + 1]
    return block


def regular_part(block: bytes, delimiter: str, *, final: bool) -> Regular | None:
    """The whole records of `block` if all quotes in them are regular, None if one is not.

    Counting quotes tells inside from outside, provided that every opening quote begins a cell and
    every closing one ends it; a doubled quote is a closing and an opening one side by side.
    """
    codes = np.frombuffer(block, np.uint8)
    quotes = np.flatnonzero(codes == _QUOTE)
    breaks = np.flatnonzero(codes == _LF)
    outside = np.flatnonzero((np.searchsorted(quotes, breaks) & 1) == 0)
    used = int(breaks[outside[-1]]) + 1 if outside.size else 0
    starts = np.concatenate(([0], outside + 1))
    if final and used < len(block) and quotes.size % 2 == 0:
        used = len(block)
    else:
        starts = starts[:-1]
    quotes = quotes[: np.searchsorted(quotes, used)]
    if not _all_regular(codes, quotes, ord(delimiter)):
        return None
    return Regular(starts, used, int(np.searchsorted(breaks, used)))


def _all_regular(codes: NDArray[np.uint8], quotes: NDArray[np.int64], delimiter: int) -> bool:
    opening, closing = quotes[0::2], quotes[1::2]
    before = np.where(opening > 0, codes[opening - 1], _LF)
    if not np.isin(before, (delimiter, _LF, _QUOTE)).all():
        return False
    last = codes.size - 1
    after = np.where(closing < last, codes[np.minimum(closing + 1, last)], _LF)
    then = np.where(closing + 1 < last, codes[np.minimum(closing + 2, last)], _LF)
    return bool((np.isin(after, (delimiter, _LF, _QUOTE)) | ((after == _CR) & (then == _LF))).all())


def _by_polars(block: bytes, dialect: Dialect, quote: str | None) -> pl.DataFrame:
    schema = dict.fromkeys(column_names(dialect.width + EXTRA), pl.String())
    if not block:
        return pl.DataFrame(schema=schema)
    # Text that begins with x^ or the like is a zlib stream to polars, and comes back as no rows at all.
    shield = block[:1] == b"x"
    cells = guarded(
        "corrupt",
        pl.read_csv,
        b"\n" + block if shield else block,
        has_header=False,
        schema=schema,
        separator=dialect.delimiter,
        quote_char=quote,
        truncate_ragged_lines=True,
        missing_columns="insert",
        infer_schema=False,
    )
    return cells[1:] if shield else cells


def _by_hand(block: bytes, dialect: Dialect, *, final: bool) -> Parsed:
    piece = block
    if len(block) > _SLICE:
        piece = block[: block.rfind(b"\n", 0, _SLICE) + 1]
    text = piece.decode()
    found = split_records(text, dialect.delimiter, final=final and len(piece) == len(block))
    used = len(piece) if found.used == len(text) else len(text[: found.used].encode())
    cells = squared_frame(found.rows, dialect.width)
    return Parsed(cells, np.array(found.lines, dtype=np.int64), used, found.newlines)


def squared_frame(records: list[list[str]], width: int) -> pl.DataFrame:
    """Records of any number of cells as a frame of columns c0 … c{width + EXTRA - 1}."""
    rows = [_squared(cells, width) for cells in records]
    names = column_names(width + EXTRA)
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pl.DataFrame(dict(zip(names, columns, strict=True)), schema=dict.fromkeys(names, pl.String()))


def _squared(cells: list[str], width: int) -> list[str | None]:
    """The row at the frame's width: missing cells are null as empty ones are, surplus ones stand in one."""
    row: list[str | None] = [cell or None for cell in cells[:width]]
    row += [None] * (width - len(row))
    return [*row, "".join(cells[width:]).strip() or None, *([None] * (EXTRA - 1))]
