"""What operators do about alarms, and about the members that they are about: each act is a leaf of the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from huxin.audit.records import moment_text
from huxin.decision.codes import PURPOSES
from huxin.enquiry.own_words import require_nobody
from huxin.errors import HuxinError
from huxin.registry import alarms, limits
from huxin.registry.alarms import Alarm
from huxin.registry.audit_acts import note_act, note_operator_act
from huxin.registry.members import Member, find_member
from huxin.registry.session import connection
from huxin.settings import Settings, running_user

if TYPE_CHECKING:
    from sqlalchemy import Connection

_TOPICS: Final = {alarms.ACKNOWLEDGED: "alarm.acknowledged", alarms.CLOSED: "alarm.closed"}
LONGEST_NOTE: Final = 500


@dataclass(frozen=True)
class Wanted:
    """A limit as an operator sets it; None does not bind."""

    purpose: str
    per_minute: int | None
    per_day: int | None
    until: date | None


def look(settings: Settings, id_: UUID) -> Alarm:
    """One alarm. HuxinError H1903."""
    with connection(settings) as database:
        found = alarms.find_alarm(database, id_)
    if found is None:
        raise HuxinError("H1903")
    return found


def look_through(
    settings: Settings, state: str, member: str | None, kind: str | None, most: int
) -> Sequence[Alarm]:
    """Alarms, the last seen first. HuxinError H0701 (no such member)."""
    with connection(settings) as database:
        if member is not None:
            _member(database, member)
        return alarms.list_alarms(database, state, member, kind, most)


def settle(settings: Settings, id_: UUID, state: str, note: str | None, by: str | None = None) -> Alarm:
    """Acknowledges or closes an alarm; returns it as it stands then. Who acts is noted: `by`, or the process's account.

    HuxinError H1903, H1904, H1207 (a person in the note), H1906 (a note that is too long).
    """
    require_nobody({"note": note})
    if note is not None and len(note) > LONGEST_NOTE:
        raise HuxinError("H1906", most=LONGEST_NOTE)
    with connection(settings) as database:
        held = alarms.change_alarm(database, id_, state, by or running_user(), note, settings.now())
        # Without the note: a leaf is for ever, and holds codes only.
        facts = {"alarm": str(id_), "kind": held.kind, "code": held.member, "by": by or running_user()}
        note_act(database, _TOPICS[state], facts, settings.now())
        found = alarms.find_alarm(database, id_)
    assert found is not None, "what was changed is there"
    return found


def limit(settings: Settings, code: str, wanted: Wanted) -> None:
    """Limits what a member may ask for a purpose. HuxinError H0701, H1907 (no limit, or no purpose)."""
    if wanted.purpose not in PURPOSES or (wanted.per_minute is None and wanted.per_day is None):
        raise HuxinError("H1907", purposes=", ".join(PURPOSES))
    with connection(settings) as database:
        member = _member(database, code)
        limits.set_limit(
            database,
            member.id,
            wanted.purpose,
            wanted.per_minute,
            wanted.per_day,
            wanted.until,
            settings.now(),
        )
        until = None if wanted.until is None else wanted.until.isoformat()
        facts = {
            "code": code,
            "purpose": wanted.purpose,
            "per_minute": wanted.per_minute,
            "per_day": wanted.per_day,
            "until": until,
        }
        note_operator_act(database, "member.limited", facts, settings.now())


def unlimit(settings: Settings, code: str, purpose: str) -> bool:
    """Lifts a member's limit; returns whether there was one. HuxinError H0701."""
    with connection(settings) as database:
        lifted = limits.lift_limit(database, _member(database, code).id, purpose)
        if lifted:
            facts = {"code": code, "purpose": purpose}
            note_operator_act(database, "member.unlimited", facts, settings.now())
    return lifted


def alarm_object(alarm: Alarm) -> dict[str, Any]:
    """As JSON. Of a subject only the number of the last enquiry about it is told (`figures`)."""
    changed = alarm.changed_at
    return {
        "alarm": str(alarm.id),
        "member": alarm.member,
        "kind": alarm.kind,
        "purpose": alarm.about if alarm.about in PURPOSES else None,
        "state": alarm.state,
        "window_from": alarm.window_from.isoformat(),
        "window_until": alarm.window_until.isoformat(),
        "first_seen": moment_text(alarm.first_seen),
        "last_seen": moment_text(alarm.last_seen),
        "policy": alarm.policy,
        "figures": alarm.figures,
        "changed_at": None if changed is None else moment_text(changed),
        "changed_by": alarm.changed_by,
        "note": alarm.note,
    }


def _member(database: Connection, code: str) -> Member:
    found = find_member(database, code)
    if found is None:
        raise HuxinError("H0701", code=code[:64])
    return found
