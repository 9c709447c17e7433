"""Acts that become leaves: the operator's, changes of keys and policy, and the erasing of a record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.registry.session import connection
from huxin.settings import Settings, running_user

# Codes and no free text: a reason that somebody writes may hold a name.
REASONS = {
    "request": ("主体要求", "the subject's request"),
    "retention": ("保存期满", "the end of its retention"),
    "order": ("监管要求", "an order of the authority"),
    "mistake": ("误记", "entered by mistake"),
}

_ADD = text(
    "INSERT INTO outbox (id, topic, body, recorded_at) VALUES (:id, :topic, CAST(:body AS jsonb), :now)"
)
_NOTED = text("""
    SELECT EXISTS (SELECT FROM outbox WHERE id = :id) OR EXISTS (SELECT FROM audit_leaf WHERE outbox_id = :id)
""")
# The newest of a topic: what still waits in the outbox is younger than any leaf.
_LAST = text("""
    SELECT body ->> 'state_sha256' FROM (
        (SELECT body, 0 AS place, recorded_at FROM outbox WHERE topic = :topic)
        UNION ALL
        (SELECT record::jsonb, 1, recorded_at FROM audit_leaf
         WHERE topic = :topic AND record IS NOT NULL ORDER BY number DESC LIMIT 1)
    ) newest ORDER BY place, recorded_at DESC LIMIT 1
""")
_FIND = text("""
    SELECT number, topic, erased_at, record FROM audit_leaf WHERE record_id = :id OR outbox_id = :id
    ORDER BY number FOR UPDATE
""")
_ERASE = text("UPDATE audit_leaf SET salt = NULL, record = NULL, erased_at = :now WHERE number = :number")


def note_act(database: Connection, topic: str, facts: Mapping[str, Any], now: datetime) -> UUID:
    """Puts an act into the outbox in the caller's transaction; `facts` are JSON-able and name no person."""
    act = new_id()
    database.execute(_ADD, {"id": act, "topic": topic, "body": json.dumps(facts), "now": now})
    return act


def note_told_act(
    database: Connection, act: UUID, topic: str, facts: Mapping[str, Any], now: datetime
) -> bool:
    """An act of another zone under the number that it has there; false where it is on record already."""
    values = {"id": act, "topic": topic, "body": json.dumps(facts), "now": now}
    if database.execute(_NOTED, {"id": act}).scalar():
        return False
    database.execute(_ADD, values)
    return True


def note_operator_act(database: Connection, topic: str, facts: Mapping[str, Any], now: datetime) -> UUID:
    """`note_act` with the machine's account that acted: the one name of an operator that a command knows."""
    return note_act(database, topic, {**facts, "by": running_user()}, now)


def note_change(
    database: Connection, topic: str, facts: Mapping[str, Any], digest: str, now: datetime
) -> bool:
    """Notes a state of which only changes count, unless it is the one noted last; returns whether it was."""
    if database.execute(_LAST, {"topic": topic}).scalar() == digest:
        return False
    note_act(database, topic, {**facts, "state_sha256": digest}, now)
    return True


def erase_record(settings: Settings, record_id: UUID, reason: str) -> int:
    """Takes salt and record of all leaves of a record; the act is a leaf of its own. Returns how many leaves.

    `reason` is one of REASONS. HuxinError H1302: no such record in the log; H1309: it was erased before.
    """
    now = settings.now()
    with connection(settings) as database:
        found = database.execute(_FIND, {"id": record_id}).all()
        if not found:
            raise HuxinError("H1302")
        left = [row for row in found if row.erased_at is None]
        if not left:
            raise HuxinError("H1309", day=found[0].erased_at.date())
        for row in left:
            database.execute(_ERASE, {"number": row.number, "now": now})
            facts = {"number": row.number, "reason": reason, **_named_by(row.topic, row.record)}
            note_act(database, "record.erased", facts, now)
    return len(left)


def _named_by(topic: str, record: str) -> dict[str, list[int]]:
    """What an act of erasure named, told on by the act that erases it: else nothing would say of those leaves why."""
    if topic != "record.erased":
        return {}
    said = json.loads(record)
    return {"also": [said["number"], *said.get("also", ())]}
