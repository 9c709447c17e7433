"""RAW frames: what reading hands on, the cells exactly as sent under the contract's field names."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from huxin_checks.contract import Contract
from huxin_checks.read.layout import BLANKS, Layout

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
        """The RAW frame of `cells`; `lines` is each row's line in the source. Blank rows are left out.

        One pass of polars over the columns, because small files pay for each pass more than for their rows.
        """
        names = [name for name in self._schema if not name.startswith("_")]
        fields = cells.select(
            self._surplus(cells), *(self._column(name) for name in names), _blank=_blank(self._first)
        )
        suspects = fields.drop_in_place("_blank")
        if self._skip_blank and suspects.any():
            keep = _not_blank(cells, suspects)
            fields, lines = fields.filter(pl.Series(keep)), lines[keep]
        begin, self.records = self.records + 1, self.records + fields.height
        record = pl.Series("_record", np.arange(begin, self.records + 1, dtype=np.uint32))
        return pl.DataFrame([record, pl.Series("_line", lines, dtype=pl.UInt32), *fields.get_columns()])

    def _column(self, name: str) -> pl.Expr:
        if name not in self._columns:
            return pl.lit(None, dtype=pl.String).alias(name)
        return pl.col(self._columns[name]).alias(name)

    def _surplus(self, cells: pl.DataFrame) -> pl.Expr:
        beyond = [name for name in cells.columns if int(name[1:]) >= self._width]
        filled = [name for name in (*self._stray, *beyond) if cells[name].null_count() < cells.height]
        empty = pl.all_horizontal(_blank(name) for name in filled) if filled else pl.lit(True)
        return (~empty).alias("_surplus")


def _blank(name: str) -> pl.Expr:
    return pl.col(name).fill_null("").str.strip_chars() == ""


def _not_blank(cells: pl.DataFrame, suspects: pl.Series) -> NDArray[np.bool_]:
    """Which rows have a cell that is not blank. `suspects`: those whose first field is, all others have one."""
    at = suspects.arg_true()
    blank = cells[at].select(pl.all_horizontal(_blank(name) for name in cells.columns)).to_series()
    keep = np.ones(cells.height, dtype=np.bool_)
    keep[at.filter(blank).to_numpy()] = False
    return keep
