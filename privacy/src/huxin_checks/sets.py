"""The checks that need the whole file: repeated parties, disagreeing rows, totals, the share of rejected rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from huxin_checks.admission import Refusal
from huxin_checks.finding import Finding
from huxin_checks.hits import Rules, Run
from huxin_checks.night_policy import night_policy
from huxin_checks.rules import set_rules
from huxin_checks.tally import Tally


@dataclass(frozen=True)
class Said:
    """What a manifest says of its file; sums in cents."""

    as_of_date: date
    record_count: int
    sum_principal: int
    sum_balance: int


def judge_sets(keys: pl.DataFrame, tallies: dict[int, Tally], run: Run) -> None:
    """Runs the set checks over the KEYS of all submissions of a group and enters what they find."""
    for hit in run(keys, "set", set_rules()):
        if not hit.rows.size:
            continue
        at = keys.select("_sub", "_record", "_line")[hit.rows]
        for (sub,), mine in at.group_by("_sub", maintain_order=True):
            tally = tallies[int(sub)]
            tally.reject_in_set(mine["_record"].to_numpy(), mine["_line"].to_numpy())
            placed = mine.select("_record", "_line").iter_rows()
            tally.note([Finding(record, hit.code, hit.fields[0], line, None) for record, line in placed])


def note_companions(keys: pl.DataFrame, tallies: dict[int, Tally]) -> None:
    """Notes the good rows of loans that have a rejected one: they go back to be mended together with it."""
    shared = keys.filter("shared")
    marked = _rejected({int(sub): tallies[int(sub)] for sub in shared["_sub"].unique()})
    place, loan = ["_sub", "_record"], ["_sub", "loan", "loan_check"]
    bad = shared.join(marked, on=place, how="semi").select(loan).unique()
    beside = shared.join(marked, on=place, how="anti").join(bad, on=loan, how="semi")
    for (sub,), mine in beside.select(*place, "_line").group_by("_sub"):
        tallies[int(sub)].accompany(mine["_record"].to_numpy(), mine["_line"].to_numpy())


def _rejected(tallies: dict[int, Tally]) -> pl.DataFrame:
    """The rejected records of these submissions, as rows of `_sub` and `_record`."""
    records = [tally.rejected_records() for tally in tallies.values()]
    subs = np.repeat(np.array(list(tallies), np.uint32), [len(each) for each in records])
    whole = np.concatenate([*records, np.empty(0, np.uint32)]).astype(np.uint32)
    return pl.DataFrame({"_sub": subs, "_record": whole})


def judge_files(said: dict[int, Said], tallies: dict[int, Tally], run: Run) -> None:
    """Runs the file checks F0002 and F0008 over one row a submission; a hit refuses that submission."""
    open_ones = [sub for sub, tally in tallies.items() if tally.refusal is None]
    frame = pl.DataFrame([_facts(sub, said[sub], tallies[sub]) for sub in open_ones], schema=_SCHEMA)
    if not frame.height:
        return
    for hit in run(frame, "files", file_rules()):
        for row, index in zip(hit.rows, hit.field_index, strict=True):
            facts = _both(frame.row(int(row), named=True), hit.fields[index])
            tallies[open_ones[int(row)]].refuse(Refusal(hit.code, hit.fields[index]), **facts)


def _both(row: dict[str, Any], name: str) -> dict[str, object]:
    """What the manifest said and what the file holds, for people; money in yuan."""
    if f"said_{name}" not in row:
        return {}
    pair = {side: row[f"{side}_{name}"] for side in ("said", "found")}
    return {
        side: f"{Decimal(value).scaleb(-2):f}" if name in _SUMS else value for side, value in pair.items()
    }


def file_rules() -> Rules:
    """F0002: counts and sums against the manifest's; F0008: the share of rejected rows against the policy's."""
    differs = {
        name: pl.col(f"said_{name}") != pl.col(f"found_{name}")
        for name in ("record_count", "sum_principal", "sum_balance")
    }
    share = pl.col("rejected") > pl.col("reject_share") * pl.col("found_record_count")
    return {"F0002": differs, "F0008": {"rejected": share}}


_SUMS = ("sum_principal", "sum_balance")
_SCHEMA = {
    "_sub": pl.UInt32,
    "said_record_count": pl.Int64,
    "found_record_count": pl.Int64,
    **{f"{side}_{name}": pl.Int128 for name in _SUMS for side in ("said", "found")},
    "rejected": pl.Int64,
    "reject_share": pl.Float64,
}


def _facts(sub: int, said: Said, tally: Tally) -> dict[str, object]:
    return {
        "_sub": sub,
        "said_record_count": said.record_count,
        "found_record_count": tally.rows,
        "said_sum_principal": said.sum_principal,
        "found_sum_principal": tally.sum_principal,
        "said_sum_balance": said.sum_balance,
        "found_sum_balance": tally.sum_balance,
        "rejected": tally.rejected_records().size,
        "reject_share": night_policy(said.as_of_date).reject_share,
    }
