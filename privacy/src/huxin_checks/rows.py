"""The checks on the rows of one batch: parse, run the rules, and give each hit to its submission."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import polars as pl

from huxin_checks.cells import parse
from huxin_checks.contract import Contract
from huxin_checks.finding import Finding
from huxin_checks.hits import RuleHits, Rules, Run
from huxin_checks.rules import mask, row_rules
from huxin_checks.tally import Tally, count_rows

Stage = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True)
class RowChecks:
    """The row rules and who runs them, built once a group."""

    contract: Contract
    run: Run
    rules: Rules
    rejecting: frozenset[str]

    @classmethod
    def load(cls, contract: Contract, run: Run) -> RowChecks:
        rejecting = frozenset(check.code for check in contract.checks if check.severity == "reject")
        return cls(contract, run, row_rules(contract), rejecting)


@dataclass(frozen=True)
class Judged:
    """One batch after its row checks: RAW and PARSED frames of the same rows, and which of them are rejected."""

    raw: pl.DataFrame
    parsed: pl.DataFrame
    rejected: pl.Series


def judge(
    raw: pl.DataFrame, checks: RowChecks, tallies: dict[int, Tally], stage: Stage = lambda name: nullcontext()
) -> Judged:
    """Runs every row check over a batch of RAW rows (with `_sub`, `_as_of`, `_mode`), and enters what it finds.

    `tallies` are by `_sub`; `stage` is told what is begun: cells, gx (the rules), findings.
    """
    with stage("cells"):
        parsed = parse(raw, checks.contract)
        count_rows(parsed, tallies)
    with stage("gx"):
        hits = [hit for hit in checks.run(parsed, "rows", checks.rules) if hit.rows.size]
    with stage("findings"):
        for hit in hits:
            enter(hit, raw, tallies, hit.code in checks.rejecting)
    rejected = _rejected(hits, checks, raw.height)
    for sub in parsed.filter(rejected).filter(named_loan(checks.contract).is_null())["_sub"].unique():
        tallies[sub].unmatched = True
    return Judged(raw, parsed, rejected)


def named_loan(contract: Contract) -> pl.Expr:
    """The loan_no of a rejected row, null unless a loan could have it (the registry could not even hold a NUL)."""
    text, most = pl.col("loan_no"), contract.field("loan_no").max_length
    return pl.when((text.str.len_chars() <= most) & ~text.str.contains(r"\p{Cc}")).then(text)


def enter(hit: RuleHits, raw: pl.DataFrame, tallies: dict[int, Tally], rejecting: bool) -> None:
    """Turns one check's hits into findings; the value goes in masked, or not at all."""
    at = raw.select("_sub", "_record", "_line")[hit.rows]
    subs, records = at["_sub"].to_numpy(), at["_record"].to_numpy()
    masked = _masked(hit, raw)
    lines = at["_line"].to_list()
    found = [
        Finding(int(record), hit.code, hit.fields[index], line, value)
        for record, index, line, value in zip(records, hit.field_index, lines, masked, strict=True)
    ]
    for sub in np.unique(subs):
        mine = np.flatnonzero(subs == sub)
        tally = tallies[int(sub)]
        (tally.rejected if rejecting else tally.warned).append(np.unique(records[mine]))
        tally.note([found[i] for i in mine])


def _masked(hit: RuleHits, raw: pl.DataFrame) -> list[str | None]:
    """The failing cells, each masked by its field's rule, in the order of the hits."""
    values: list[str | None] = [None] * hit.rows.size
    for index, field in enumerate(hit.fields):
        if field not in raw.columns:
            continue
        mine = np.flatnonzero(hit.field_index == index)
        for place, text in zip(mine, raw[field][hit.rows[mine]].to_list(), strict=True):
            values[place] = None if text is None else mask(field, text)
    return values


def _rejected(hits: list[RuleHits], checks: RowChecks, height: int) -> pl.Series:
    flags = np.zeros(height, dtype=bool)
    for hit in hits:
        if hit.code in checks.rejecting:
            flags[hit.rows] = True
    return pl.Series("rejected", flags)
