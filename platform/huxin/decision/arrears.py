"""How a subject has paid, month by month: the longest days past due, the asking member's and the others', never whose.

It is worked out of what was known when an enquiry was put, so it is the same whenever it is asked for; and of no loan
whose negative entries the policy does not show any more (five years, repair, dispute: decision.display).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from huxin.decision.codes import ROLE_GUARANTOR
from huxin.decision.display import shown
from huxin.decision.facts import Facts
from huxin.decision.facts_rows import Loan
from huxin.decision.policy import Display

MONTHS: Final = 24


@dataclass(frozen=True, slots=True)
class Spell:
    """Arrears that began on `since` and were there on `until`, when they were `dpd` days old."""

    since: date
    until: date
    dpd: int


@dataclass(frozen=True, slots=True)
class Paid:
    """How one loan was paid: from the day of disbursement to the day after which nothing is owed (None: still is)."""

    own: bool
    role: int
    since: date
    until: date | None
    spells: tuple[Spell, ...]


@dataclass(frozen=True, slots=True)
class Month:
    """The longest days past due within a month; None where that side had no loan then, 0 where it had no arrears."""

    first: date
    own: int | None
    others: int | None


def months_of(facts: Facts, display: Display, paid: Sequence[Paid]) -> list[Month]:
    """The last MONTHS months, the present one last; `paid` is of the facts' loans in their order."""
    told = [
        _as_shown(*each)
        for each in zip(paid, facts.loans, shown(facts.loans, display, facts.today), strict=True)
        if each[0].role != ROLE_GUARANTOR
    ]
    lasts = [(first, min(_after(first) - timedelta(days=1), facts.today)) for first in _firsts(facts.today)]
    return [_month(told, first, last) for first, last in lasts]


def _as_shown(paid: Paid, loan: Loan, as_shown: Loan) -> Paid:
    """Where the policy takes a loan's negative past away, its months had no arrears."""
    return paid if as_shown is loan else replace(paid, spells=())


def _month(paid: Iterable[Paid], first: date, last: date) -> Month:
    open_then = [each for each in paid if each.since <= last and (each.until is None or each.until >= first)]
    sides = [[_longest(each, first, last) for each in open_then if each.own is own] for own in (True, False)]
    own, others = (max(side, default=None) for side in sides)
    return Month(first, own, others)


def _longest(paid: Paid, first: date, last: date) -> int:
    """Days past due grow by one a day, up to what was last reported, and end with the loan."""
    last = last if paid.until is None else min(last, paid.until)
    days = [
        min((min(last, spell.until) - spell.since).days, spell.dpd)
        for spell in paid.spells
        if spell.since <= last and spell.until >= first
    ]
    return max(days, default=0)


def _firsts(today: date) -> list[date]:
    at = today.year * 12 + today.month - 1
    return [date(number // 12, number % 12 + 1, 1) for number in range(at - MONTHS + 1, at + 1)]


def _after(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)
