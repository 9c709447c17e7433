"""The reporting pages' figures: calendars, the league of data quality, who is late, what waits to be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from huxin.oversight.calendar import (
    LACKING,
    OWED,
    PUBLISHED,
    REPORTED,
    DayState,
    day_off,
    due_at,
    state_of,
    terms_by_day,
)
from huxin.oversight.quality import Figures, Quality, quality_of
from huxin.oversight.reporting_policy import ReportingPolicy
from huxin.registry.reports import Conduct, ReportDay, Reporter, conducts, report_days, reporters
from huxin.registry.terms import Term, terms_between
from huxin.settings import SHANGHAI

if TYPE_CHECKING:
    from sqlalchemy import Connection

_ACTIVE: Final = "active"
LOOKED_BACK: Final = 7  # days in which a missing report is still to be done something about


@dataclass(frozen=True)
class Row:
    """A member's days, in the order of the calendar's."""

    member: Reporter
    days: tuple[DayState, ...]


@dataclass(frozen=True)
class Calendar:
    """Some members' days from one day to another, both included."""

    days: tuple[date, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Standing:
    """A member in the league: its place (equal indices share one), its quality, what that is made of."""

    place: int | None
    member: Reporter
    quality: Quality
    figures: Figures


@dataclass(frozen=True)
class Late:
    """A member and the days that it owes, the newest first, each with its state."""

    member: Reporter
    days: tuple[tuple[date, DayState], ...]


def calendar(
    database: Connection,
    policy: ReportingPolicy,
    since: date,
    until: date,
    now: datetime,
    members: Sequence[Reporter] | None = None,
) -> Calendar:
    """What became of each day: of these members or of all."""
    shown = reporters(database) if members is None else members
    ids = None if members is None else [each.id for each in members]
    held = _by_member(report_days(database, since, until, ids))
    terms = terms_between(database, since, until, ids)
    days = tuple(since + timedelta(days=number) for number in range((until - since).days + 1))
    rows = (Row(each, _states(policy, each, days, held.get(each.id, {}), terms, now)) for each in shown)
    return Calendar(days, tuple(rows))


def late_members(database: Connection, policy: ReportingPolicy, now: datetime) -> list[Late]:
    """Active members that owe a report of the last week, those that owe most first."""
    until = now.astimezone(SHANGHAI).date()
    made = calendar(database, policy, until - timedelta(days=LOOKED_BACK), until, now)
    found = []
    for row in made.rows:
        owed = [(day, each) for day, each in zip(made.days, row.days, strict=True) if each.state in LACKING]
        if owed and row.member.status == _ACTIVE:
            found.append(Late(row.member, tuple(reversed(owed))))
    return sorted(found, key=lambda late: (-len(late.days), late.member.code))


def league(database: Connection, policy: ReportingPolicy, now: datetime) -> list[Standing]:
    """Every member with its quality over the policy's days, the best first; those without an index last.

    Days before it joined and days off count for nothing, whatever was sent.
    Days with a grant are few and judged one by one; all others are counted by the database.
    """
    since, until = window(policy, now)
    rules, due = policy.quality, policy.due
    minute = due.hour * 60 + due.minute
    known = reporters(database)
    plain = {
        each.member_id: each
        for each in conducts(
            database, since, until, (due.days_after, minute), policy.weekends, rules.swing_percent / 100
        )
    }
    terms = terms_between(database, since, until)
    special = _special(database, terms, since, until)
    days = [since + timedelta(days=number) for number in range((until - since).days + 1)]
    figured = [
        (each, _figures(policy, each, days, plain.get(each.id), special, terms, now)) for each in known
    ]
    return _placed([(each, quality_of(rules, figures), figures) for each, figures in figured])


def window(policy: ReportingPolicy, now: datetime) -> tuple[date, date]:
    """First and last day that quality is measured over: the last is the newest that is due by now."""
    last = now.astimezone(SHANGHAI).date()
    while due_at(policy.due, last) > now:
        last -= timedelta(days=1)
    return last - timedelta(days=policy.quality.days - 1), last


def _by_member(found: Iterable[ReportDay]) -> dict[int, dict[date, ReportDay]]:
    held: dict[int, dict[date, ReportDay]] = {}
    for each in found:
        held.setdefault(each.member_id, {})[each.day] = each
    return held


def joined(member: Reporter) -> date:
    """The first day that a member owes a report for: the day it joined."""
    return member.created_at.astimezone(SHANGHAI).date()


def _states(
    policy: ReportingPolicy,
    member: Reporter,
    days: Sequence[date],
    held: Mapping[date, ReportDay],
    terms: Sequence[Term],
    now: datetime,
) -> tuple[DayState, ...]:
    granted, since, active = terms_by_day(terms, member.id), joined(member), member.status == _ACTIVE
    return tuple(
        state_of(policy, day, held.get(day), granted.get(day, ()), now, since, active) for day in days
    )


Special = dict[tuple[int, date], ReportDay]


def _special(database: Connection, terms: Sequence[Term], since: date, until: date) -> Special:
    """What was reported on days with a grant."""
    days = {term.day for term in terms}
    everybody = {term.day for term in terms if term.member_id == 0}
    if not days:
        return {}
    members = None if everybody else {term.member_id for term in terms}
    found = report_days(database, max(since, min(days)), min(until, max(days)), members)
    wanted = {(term.member_id, term.day) for term in terms}
    return {
        (each.member_id, each.day): each
        for each in found
        if each.day in everybody or (each.member_id, each.day) in wanted
    }


def _figures(
    policy: ReportingPolicy,
    member: Reporter,
    days: Sequence[date],
    plain: Conduct | None,
    special: Special,
    terms: Sequence[Term],
    now: datetime,
) -> Figures:
    since, active = joined(member), member.status == _ACTIVE
    granted = terms_by_day(terms, member.id) if terms else {}
    owed = published = on_time = rows = rejected = vanished = 0
    for day, mine in granted.items():
        report = special.get((member.id, day))
        if day < since or day_off(policy, day, mine):
            continue
        state = state_of(policy, day, report, mine, now, since, active).state
        owed += state in OWED
        published += state in PUBLISHED
        on_time += state == REPORTED
        if report is not None:
            rows, rejected, vanished = (
                rows + report.rows,
                rejected + report.rejected,
                vanished + report.vanished,
            )
    usual = sum(
        day not in granted and day >= since and (policy.weekends or day.weekday() < 5) for day in days
    )
    if plain is None:
        return Figures(owed + usual * active, published, on_time, rows, rejected, vanished)
    return Figures(
        owed + (usual if active else plain.reported),
        published + plain.reported,
        on_time + plain.on_time,
        rows + plain.rows,
        rejected + plain.rejected,
        vanished + plain.vanished,
        plain.swings,
        plain.steps,
    )


def _placed(found: Iterable[tuple[Reporter, Quality, Figures]]) -> list[Standing]:
    ordered = sorted(found, key=lambda each: (each[1].index is None, -(each[1].index or 0), each[0].code))
    placed: list[Standing] = []
    for number, (member, quality, figures) in enumerate(ordered, 1):
        before = placed[-1] if placed else None
        same = before is not None and before.quality.index == quality.index
        place = None if quality.index is None else before.place if same and before else number
        placed.append(Standing(place, member, quality, figures))
    return placed
