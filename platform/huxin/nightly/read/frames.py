"""RAW frames: what reading hands on, the cells exactly as sent under the contract's field names."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from huxin.contract import Contract
from huxin.nightly.read.layout import BLANKS, Layout

EXTRA = 8
"""Columns read beyond the header's, to see what a row has too much; further right nobody looks."""


def raw_schema(contract: Contract) -> dict[str, pl.DataType]:
    """Columns and types of a RAW frame."""
    head: dict[str, pl.DataType] = {"_record": pl.UInt32(), "_line": pl.UInt32(), "_surplus": pl.Boolean()}
    return head | {field.name: pl.String() for field in contract.fields}


def column_names(width: int) -> list[str]:
    """Names of the columns by position, as the parsers give them: c0, c1, …"""
    return [f"c{at}" for at in range(width)]


class RawFrames:
    """Turns frames of text columns by position (c0 … and EXTRA more) into RAW frames, counting records."""

    def __init__(self, layout: Layout, contract: Contract, *, skip_blank: bool = True) -> None:
        self._columns: dict[str, str] = {
            name: f"c{at}" for at, name in enumerate(layout.fields) if name is not None
        }
        self._stray = [f"c{at}" for at, text in enumerate(layout.headers) if not text.strip(BLANKS)]
        self._width = len(layout.headers)
        self._schema = raw_schema(contract)
        self._first = next(f"c{at}" for at, name in enumerate(layout.fields) if name is not None)
        self._skip_blank = skip_blank
        self.records = 0

    def build(self, cells: pl.DataFrame, lines: NDArray[np.uint32]) -> pl.DataFrame:
        """The RAW frame of `cells`; `lines` is each row's line in the source. Blank rows are left out."""
        cells = cells.with_columns(pl.Series("_line", lines, dtype=pl.UInt32), self._surplus(cells))
        if self._skip_blank:
            cells = _without_blanks(cells, self._first)
        record = pl.int_range(self.records + 1, self.records + cells.height + 1, dtype=pl.UInt32, eager=True)
        self.records += cells.height
        return cells.select(record.alias("_record"), *(self._column(name) for name in list(self._schema)[1:]))

    def _column(self, name: str) -> pl.Expr:
        if name.startswith("_"):
            return pl.col(name)
        if name not in self._columns:
            return pl.lit(None, dtype=pl.String).alias(name)
        return pl.col(self._columns[name]).alias(name)

    def _surplus(self, cells: pl.DataFrame) -> pl.Series:
        beyond = [name for name in cells.columns if int(name[1:]) >= self._width]
        filled = [name for name in (*self._stray, *beyond) if cells[name].null_count() < cells.height]
        if not filled:
            return pl.repeat(False, cells.height, dtype=pl.Boolean, eager=True).alias("_surplus")
        return cells.select(_surplus=~pl.all_horizontal(_blank(name) for name in filled))["_surplus"]


def _blank(name: str) -> pl.Expr:
    return pl.col(name).fill_null("").str.strip_chars() == ""


def _without_blanks(cells: pl.DataFrame, first: str) -> pl.DataFrame:
    """Rows with at least one cell that is not blank. One field decides nearly always: it is asked first."""
    suspects = cells.select(_blank(first)).to_series().arg_true()
    if not suspects.len():
        return cells
    texts = [name for name in cells.columns if not name.startswith("_")]
    blank = cells[suspects].select(pl.all_horizontal(_blank(name) for name in texts)).to_series()
    if not blank.any():
        return cells
    keep = np.ones(cells.height, dtype=np.bool_)
    keep[suspects.filter(blank).to_numpy()] = False
    return cells.filter(pl.Series(keep))
