"""Holidays, extensions and backfills that operators grant: each act is a leaf of the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from huxin.errors import HuxinError
from huxin.oversight.calendar import due_at
from huxin.oversight.reporting_policy import reporting_policy
from huxin.registry.audit_acts import note_act
from huxin.registry.members import find_member
from huxin.registry.session import connection
from huxin.registry.terms import BACKFILL, EVERYBODY, EXTENSION, HOLIDAY, Term, lift_terms, set_terms
from huxin.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST_DAYS: Final = 366
KIND_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    HOLIDAY: ("停报", "holiday"),
    EXTENSION: ("延期", "extension"),
    BACKFILL: ("补报", "backfill"),
}
# Codes and no free text: a reason that somebody writes may hold a name.
REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "festival": ("法定节假日", "a public holiday"),
    "operations": ("业务安排", "the member's operations"),
    "system": ("系统升级或故障", "an upgrade or a fault of a system"),
    "disaster": ("不可抗力", "force majeure"),
}
_TOPICS: Final = {HOLIDAY: "member.holiday", EXTENSION: "member.extended", BACKFILL: "member.backfill"}


@dataclass(frozen=True)
class Grant:
    """What is granted for the days `first` to `last`: to one member by its code, or with None to everybody.

    `until` is for an extension or a backfill, and has its zone; `reason` is a code of REASONS.
    """

    member: str | None
    kind: str
    first: date
    last: date
    until: datetime | None
    reason: str


def grant(settings: Settings, wanted: Grant, by: str) -> int:
    """Grants it, in place of an earlier grant of the same kind; returns for how many days.

    HuxinError H0701 (no such member), H2302 (days or time that will not do), H2303 (no such reason), H2301.
    """
    if wanted.reason not in REASONS:
        raise HuxinError("H2303", allowed=", ".join(REASONS))
    days = _days(wanted)
    _require_time(wanted, days, settings)
    now = settings.now()
    with connection(settings) as database:
        member_id = _member_id(database, wanted.member)
        rows = [Term(member_id, day, wanted.kind, wanted.until, wanted.reason, now, by) for day in days]
        set_terms(database, rows)
        until = None if wanted.until is None else wanted.until.isoformat()
        note_act(
            database,
            _TOPICS[wanted.kind],
            _facts(wanted, by) | {"until": until, "reason": wanted.reason},
            now,
        )
    return len(days)


def lift(settings: Settings, wanted: Grant, by: str) -> int:
    """Takes grants of that kind for these days back; returns how many there were. HuxinError H0701, H2302."""
    _days(wanted)
    with connection(settings) as database:
        member_id = _member_id(database, wanted.member)
        count = lift_terms(database, member_id, wanted.kind, wanted.first, wanted.last)
        if count:
            facts = _facts(wanted, by) | {"lifted": count}
            note_act(database, _TOPICS[wanted.kind], facts, settings.now())
    return count


def _facts(wanted: Grant, by: str) -> dict[str, object]:
    first, last = wanted.first.isoformat(), wanted.last.isoformat()
    return {"code": wanted.member, "first": first, "last": last, "by": by}


def _days(wanted: Grant) -> list[date]:
    count = (wanted.last - wanted.first).days + 1
    if not 1 <= count <= MOST_DAYS:
        raise HuxinError("H2302", most=MOST_DAYS)
    return [wanted.first + timedelta(days=number) for number in range(count)]


def _require_time(wanted: Grant, days: list[date], settings: Settings) -> None:
    """A time granted ends after it was due anyway, and is not over."""
    if wanted.kind == HOLIDAY:
        return
    due = due_at(reporting_policy(settings.today()).due, days[-1])
    if wanted.until is None or wanted.until <= max(due, settings.now()):
        raise HuxinError("H2302", most=MOST_DAYS)


def _member_id(database: Connection, code: str | None) -> int:
    if code is None:
        return EVERYBODY
    found = find_member(database, code)
    if found is None:
        raise HuxinError("H0701", code=code[:64])
    return found.id
