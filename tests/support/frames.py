"""RAW and PARSED frames of rows in memory, as reading a file would give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from huxin.contract import load_contract
from huxin_checks.cells import parse
from support.rows import AS_OF


def raw_frame(
    rows: Sequence[Mapping[str, str | None]], as_of: date = AS_OF, mode: int = 1, sub: int = 0
) -> pl.DataFrame:
    """The RAW frame of rows of cells, one submission; a field that a row lacks is null."""
    names = [field.name for field in load_contract().fields]
    cells = pl.DataFrame(
        [[row.get(name) for name in names] for row in rows],
        schema=dict.fromkeys(names, pl.String),
        orient="row",
    )
    return cells.select(
        pl.lit(sub, dtype=pl.UInt32).alias("_sub"),
        pl.int_range(1, len(rows) + 1, dtype=pl.UInt32).alias("_record"),
        pl.int_range(2, len(rows) + 2, dtype=pl.UInt32).alias("_line"),
        pl.lit(False).alias("_surplus"),
        pl.lit(as_of).alias("_as_of"),
        pl.lit(mode, dtype=pl.UInt8).alias("_mode"),
        *names,
    )


def parsed_frame(
    rows: Sequence[Mapping[str, str | None]], as_of: date = AS_OF, mode: int = 1, sub: int = 0
) -> pl.DataFrame:
    """The PARSED frame of such rows."""
    return parse(raw_frame(rows, as_of, mode, sub), load_contract())
