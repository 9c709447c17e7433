"""What became of a member's report of a day: pure rules over what was reported and what was granted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from huxin.oversight.reporting_policy import Due, ReportingPolicy
from huxin.registry.reports import ReportDay
from huxin.registry.terms import BACKFILL, EXTENSION, HOLIDAY, Term
from huxin.settings import SHANGHAI

REPORTED: Final = "reported"  # published in time
LATE: Final = "late"  # published, after it was due
BACKFILLED: Final = "backfilled"  # published late, within the time granted for a missed day
WAITING: Final = "waiting"  # a file is there and waits for the member's word
NOT_DUE: Final = "not_due"
EXTENDED: Final = "extended"  # not there; more time was granted and runs
BACKFILL_OPEN: Final = "backfill"  # missed; asked for after all, and that time runs
MISSING: Final = "missing"
DAY_OFF: Final = "holiday"
NONE: Final = "none"  # the member had not joined, or is suspended and sent nothing

STATES: Final = (
    REPORTED,
    LATE,
    BACKFILLED,
    WAITING,
    NOT_DUE,
    EXTENDED,
    BACKFILL_OPEN,
    MISSING,
    DAY_OFF,
    NONE,
)
# Days that a member owed a report for, once they are over.
OWED: Final = (REPORTED, LATE, BACKFILLED, WAITING, BACKFILL_OPEN, MISSING)
PUBLISHED: Final = (REPORTED, LATE, BACKFILLED)
# Days that a member may be nudged about.
LACKING: Final = (MISSING, BACKFILL_OPEN, WAITING)


@dataclass(frozen=True)
class DayState:
    """The state of one day, until when it was or is due, and whether a refused file stands instead of a report."""

    state: str
    due_at: datetime
    refused: bool = False


def due_at(due: Due, day: date, terms: Iterable[Term] = ()) -> datetime:
    """Until when the report of a day is in time, extensions included."""
    ends = datetime.combine(day + timedelta(days=due.days_after), time(due.hour, due.minute), SHANGHAI)
    more = [term.until for term in terms if term.kind == EXTENSION and term.until is not None]
    return max([ends, *more])


def day_off(policy: ReportingPolicy, day: date, terms: Iterable[Term]) -> bool:
    """Whether nothing is due for a day: a holiday granted, or a weekend where weekends are free."""
    return any(term.kind == HOLIDAY for term in terms) or (not policy.weekends and day.weekday() >= 5)


def state_of(
    policy: ReportingPolicy,
    day: date,
    report: ReportDay | None,
    terms: Sequence[Term],
    now: datetime,
    since: date,
    active: bool = True,
) -> DayState:
    """What became of a member's day. `terms` are this member's and everybody's for this day; it joined on `since`."""
    ends = due_at(policy.due, day, terms)
    refused = report is not None and report.files == 0 and report.refused > 0
    return DayState(_state(policy, day, report, terms, now, since, active, ends), ends, refused)


def _state(
    policy: ReportingPolicy,
    day: date,
    report: ReportDay | None,
    terms: Sequence[Term],
    now: datetime,
    since: date,
    active: bool,
    ends: datetime,
) -> str:
    backfill = max((t.until for t in terms if t.kind == BACKFILL and t.until is not None), default=None)
    if report is not None and report.files > 0 and report.first_at is not None:
        if report.first_at <= ends or day < since or day_off(policy, day, terms):
            return REPORTED
        return BACKFILLED if backfill is not None and report.first_at <= backfill else LATE
    if day_off(policy, day, terms):
        return DAY_OFF
    if report is not None and report.waiting > 0:
        return WAITING
    if day < since or not active:
        return NONE
    if now <= ends:
        return EXTENDED if ends > due_at(policy.due, day) and now > due_at(policy.due, day) else NOT_DUE
    return BACKFILL_OPEN if backfill is not None and now <= backfill else MISSING


def terms_by_day(terms: Iterable[Term], member_id: int) -> dict[date, list[Term]]:
    """A member's terms and everybody's, by day."""
    found: dict[date, list[Term]] = {}
    for term in terms:
        if term.member_id in (0, member_id):
            found.setdefault(term.day, []).append(term)
    return found
