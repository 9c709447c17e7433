"""What an enquiry is judged by, as values: caps, windows, levels, tiers, quotas; read by `policy_file`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from huxin.decision.texts import FlagText
from huxin.errors import HuxinError

EXACT = "exact"
BANDED = "banded"
QUERY_ONLY = "query_only"
COUNTED = "counted"
SET_ASIDE = "set_aside"


@dataclass(frozen=True)
class Caps:
    """Over all members, the loan asked for included. Amounts in cents; `max_outstanding` by product; None = no cap."""

    max_lenders: int
    max_open_loans: int | None
    max_debt_service: int | None
    max_outstanding: Mapping[str, int]


@dataclass(frozen=True)
class Thresholds:
    """Where flags begin; docs/policy.md says for each whether at or above. Balance in cents."""

    overdue_above_dpd: int
    overdue_above_dpd_24m: int
    non_performing_class: str
    stacking_members: int
    stacking_reservations: int
    guaranteed_loans: int
    guaranteed_balance: int
    guaranteed_dpd: int
    shared_mobile_subjects: int
    coverage_percent: int


@dataclass(frozen=True)
class Tier:
    """What a member of one tier sees: `amounts` exact or banded, enquiries split `by_kind` of lender or not."""

    amounts: str
    by_kind: bool
    sections: frozenset[str]


@dataclass(frozen=True)
class Quota:
    """Enquiries of one member for one purpose."""

    per_minute: int
    per_day: int


@dataclass(frozen=True)
class Reservations:
    """How long a reservation holds, how long a converted one waits for its loan, and how many of a member's about one
    subject may come to nothing within `maximum_hours` (None: any number)."""

    default_hours: int
    maximum_hours: int
    convert_days: int
    in_vain: int | None


@dataclass(frozen=True)
class Repair:
    """One-off credit repair: entries up to `max_amount` cents that arose and were repaid within these days."""

    effective_on: date
    kinds: frozenset[str]
    max_amount: int
    arisen_from: date
    arisen_until: date
    repaid_by: date


@dataclass(frozen=True)
class Display:
    """Which negative entries count. `disputed` is counted or set_aside; no `repair` when None."""

    negative_years: int
    disputed: str
    repair: Repair | None


@dataclass(frozen=True)
class Policy:
    """One version, in force from `effective_on` until the next. `bands` are rising limits in cents, `others_in_steps`
    cents (None: to the cent)."""

    version: str
    effective_on: date
    caps: Caps
    stacking_days: int
    coverage_days: int
    reciprocity_days: int
    thresholds: Thresholds
    levels: Mapping[str, str]
    pending_level: str
    tiers: Mapping[str, Tier]
    bands: tuple[int, ...]
    others_in_steps: int | None
    quotas: Mapping[str, Mapping[str, Quota]]
    reservations: Reservations
    display: Display
    texts: Mapping[str, FlagText]

    def tier(self, name: str) -> Tier:
        """HuxinError H1511 when the policy does not know the tier."""
        if name not in self.tiers:
            raise HuxinError("H1511", version=self.version)
        return self.tiers[name]

    def tier_shown(self, tier: str, reported_on: date | None, today: date) -> str:
        """What a member of `tier` sees now: without a report for the policy's days, no more than QUERY_ONLY."""
        lately = reported_on is not None and (today - reported_on).days <= self.reciprocity_days
        return tier if lately else QUERY_ONLY

    def quota(self, tier: str, purpose: str) -> Quota:
        """HuxinError H1511 (unknown tier), H1512 (unknown purpose)."""
        self.tier(tier)
        if purpose not in self.quotas[tier]:
            raise HuxinError("H1512", what="purpose", allowed=", ".join(self.quotas[tier]))
        return self.quotas[tier][purpose]

    def held(self, cents: int) -> int:
        """What others are owed as it is held against a cap for a tier without exact amounts: rounded up to a step."""
        step = self.others_in_steps
        return cents if step is None else -(-cents // step) * step

    def band(self, cents: int) -> str:
        """The band an amount lies in, lower end included: 0.00, 0.01-1000.00, 1000.00-3000.00 … 10000000.00+."""
        return _between(*self._ends(cents))

    def bands_added(self, own: int, others: int) -> str:
        """The bands of two amounts, end by end: with the band of their sum, whoever changes its own part would find out
        others' where that goes over an edge."""
        (low, high), (from_, to) = self._ends(own), self._ends(others)
        return _between(low + from_, None if high is None or to is None else high + to)

    def _ends(self, cents: int) -> tuple[int, int | None]:
        if cents == 0:
            return 0, 0
        place = bisect_right(self.bands, cents)
        if place == len(self.bands):
            return self.bands[-1], None
        return self.bands[place - 1] if place else 1, self.bands[place]


def _between(low: int, high: int | None) -> str:
    if high is None:
        return f"{exact(low)}+"
    return f"{exact(low)}-{exact(high)}" if high else exact(0)


def exact(cents: int) -> str:
    """Cents as a decimal string in yuan."""
    return f"{cents // 100}.{cents % 100:02d}"
