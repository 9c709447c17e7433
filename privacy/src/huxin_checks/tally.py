"""What validation learns of one submission, batch by batch: counts, sums, findings, which records are rejected."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from huxin_checks.admission import Refusal
from huxin_checks.finding import Finding

# A refused file may hold millions of hits of one code; more than these help nobody to mend it.
MOST_FINDINGS = 200_000

Records = npt.NDArray[np.uint32]


@dataclass
class Tally:
    """Counts of one submission; sums are in cents over every cell that parses, wrong rows included."""

    rows: int = 0
    sum_principal: int = 0
    sum_balance: int = 0
    findings: list[Finding] = field(default_factory=list)
    findings_cut: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    rejected: list[Records] = field(default_factory=list)
    warned: list[Records] = field(default_factory=list)
    set_rejected: Records = field(default_factory=lambda: np.empty(0, np.uint32))
    set_lines: Records = field(default_factory=lambda: np.empty(0, np.uint32))  # their source lines, parallel
    companions: Records = field(default_factory=lambda: np.empty(0, np.uint32))
    companion_lines: Records = field(default_factory=lambda: np.empty(0, np.uint32))
    unmatched: bool = False  # a rejected row names no loan, so no loan may be said to be absent
    refusal: Refusal | None = None
    refusal_facts: dict[str, object] = field(default_factory=dict)

    def refuse(self, refusal: Refusal, **facts: object) -> None:
        """Keeps the first refusal: the checks are run in their order."""
        if self.refusal is None:
            self.refusal, self.refusal_facts = refusal, facts

    def note(self, found: list[Finding]) -> None:
        """Counts findings and keeps them up to MOST_FINDINGS."""
        self.codes.update(item.code for item in found)
        room = MOST_FINDINGS - len(self.findings)
        self.findings.extend(found[:room])
        self.findings_cut += max(0, len(found) - room)

    def reject_in_set(self, records: Records, lines: Records) -> None:
        """Adds records that a set check rejects, with the source line of each."""
        self.set_rejected, self.set_lines = _merged(self.set_rejected, self.set_lines, records, lines)

    def accompany(self, records: Records, lines: Records) -> None:
        """Adds good records of loans that have a rejected one, with the source line of each."""
        self.companions, self.companion_lines = _merged(self.companions, self.companion_lines, records, lines)

    def rejected_records(self) -> Records:
        """The sorted record numbers that a row or set check rejects."""
        return np.unique(np.concatenate([*self.rejected, self.set_rejected]))

    def held_back(self) -> tuple[Records, Records]:
        """The records that a set check rejects or that accompany a rejected one, with the source line of each."""
        return _merged(self.set_rejected, self.set_lines, self.companions, self.companion_lines)

    def warned_count(self) -> int:
        """How many rows that are not rejected carry a warning."""
        warned = np.unique(np.concatenate([*self.warned, np.empty(0, np.uint32)]))
        return int(np.setdiff1d(warned, self.rejected_records(), assume_unique=True).size)

    def count_rows(self, rows: int, principal: int, balance: int) -> None:
        """Adds one batch's rows and sums."""
        self.rows += rows
        self.sum_principal += principal
        self.sum_balance += balance


def count_rows(parsed: pl.DataFrame, tallies: dict[int, Tally]) -> None:
    """Adds a batch's rows and sums to its submissions' tallies; 128-bit, as a hostile file could overflow 64."""
    sums = parsed.group_by("_sub").agg(pl.len(), pl.col("principal", "balance").cast(pl.Int128).sum())
    for sub, rows, principal, balance in sums.iter_rows():
        tallies[sub].count_rows(rows, int(principal), int(balance))


def _merged(records: Records, lines: Records, more: Records, their: Records) -> tuple[Records, Records]:
    """Both, in the order of the records and each of them once, with the line of each."""
    places, first = np.unique(np.concatenate([records, more]).astype(np.uint32), return_index=True)
    return places, np.concatenate([lines, their]).astype(np.uint32)[first]
