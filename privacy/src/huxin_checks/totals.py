"""One look through a file before it has a manifest: its rows, its sums, and of mended rows which day they speak of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import BinaryIO

import polars as pl

from huxin_checks.cells import parse
from huxin_checks.contract import load_contract
from huxin_checks.read import open_rows


@dataclass
class Seen:
    """What one look through a file tells: rows, sums in cents; of mended ones also which loans and which days."""

    mended: bool = False
    rows: int = 0
    principal: int = 0
    balance: int = 0
    loan_nos: set[str] = field(default_factory=set, repr=False)
    days: Counter[date] = field(default_factory=Counter)

    def add(self, parsed: pl.DataFrame, mended: bool) -> None:
        """Adds one batch of PARSED rows."""
        sums = parsed.select(pl.col("principal", "balance").cast(pl.Int128).sum()).row(0)
        self.rows += parsed.height
        self.principal += int(sums[0] or 0)
        self.balance += int(sums[1] or 0)
        if mended:
            self.loan_nos.update(parsed["loan_no"].drop_nulls())
            # dpd = as-of date - overdue_since (contract): an overdue row says which day it is of.
            overdue = parsed.filter(pl.col("dpd") > 0)
            days = overdue.select(pl.col("overdue_since") + pl.duration(days=pl.col("dpd"))).to_series()
            self.days.update(days.drop_nulls())


def is_mended(headers: Sequence[str]) -> bool:
    """Whether a file carries a column that our findings export adds."""
    contract = load_contract()
    return any(header.strip() and contract.header(header) == "" for header in headers)


def look_through(source: BinaryIO, name: str, progress: Callable[[int], None] = lambda rows: None) -> Seen:
    """Reads a file once; `progress` is told how many rows were just read. FileRefused when it cannot be read."""
    contract, seen = load_contract(), Seen()
    dressing = {
        "_sub": pl.lit(0, pl.UInt32),
        "_as_of": pl.lit(date(2000, 1, 1)),
        "_mode": pl.lit(1, pl.UInt8),
    }
    with open_rows(source, name, contract) as rows:
        seen.mended = is_mended(rows.layout.headers)
        for raw in rows:
            seen.add(parse(raw.with_columns(**dressing), contract), seen.mended)
            progress(raw.height)
    return seen
