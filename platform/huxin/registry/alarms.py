"""Alarms: raised and kept up to date by the guard, acknowledged and closed by operators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from huxin.errors import HuxinError
from huxin.ids import id_at

OPEN: Final = "open"
ACKNOWLEDGED: Final = "acknowledged"
CLOSED: Final = "closed"
STATES: Final = (OPEN, ACKNOWLEDGED, CLOSED)

# One that goes on is kept up to date; whoever has seen it has seen it.
_RAISE = text("""
    INSERT INTO alarm AS a
        (member_id, id, kind, about, window_from, window_until, figures, policy, first_seen, last_seen)
    VALUES (:member_id, :id, :kind, :about, :window_from, :window_until, CAST(:figures AS jsonb), :policy, :at, :at)
    ON CONFLICT (member_id, kind, about) WHERE state <> 'closed' DO UPDATE SET
        window_from = excluded.window_from, window_until = excluded.window_until, figures = excluded.figures,
        policy = excluded.policy, last_seen = greatest(a.last_seen, excluded.last_seen)
    RETURNING id = :id
""")
_COLUMNS = """
    a.id, m.code, a.kind, a.about, a.window_from, a.window_until, a.figures, a.policy, a.first_seen, a.last_seen,
    a.state, a.changed_at, a.changed_by, a.note
"""
_LIST = text(f"""
    SELECT {_COLUMNS} FROM alarm a JOIN member m ON m.id = a.member_id
    WHERE (:state = 'all' OR a.state = :state OR (:state = 'going_on' AND a.state <> 'closed'))
      AND (CAST(:member AS text) IS NULL OR m.code = :member) AND (CAST(:kind AS text) IS NULL OR a.kind = :kind)
    ORDER BY a.last_seen DESC, a.id LIMIT :most
""")
# By the index of those that go on: what was closed, over the years, is not looked at.
_COUNT_OPEN = text("SELECT count(*) FROM alarm WHERE state = 'open' AND state <> 'closed'")
_FIND = f"SELECT {_COLUMNS} FROM alarm a JOIN member m ON m.id = a.member_id WHERE a.id = :id"
_ONE = text(_FIND)
_HELD = text(f"{_FIND} FOR UPDATE OF a")
_CHANGE = text("""
    UPDATE alarm SET state = :state, changed_at = :at, changed_by = :by, note = coalesce(:note, note) WHERE id = :id
""")
_SETTLED = text("""
    SELECT window_until, figures FROM alarm
    WHERE member_id = :member_id AND kind = :kind AND about = :about AND state = 'closed'
    ORDER BY changed_at DESC LIMIT 1
""")


@dataclass(frozen=True)
class Raised:
    """What a monitor found of a member. `about` is a purpose or a subject_id; days are the window's, both included."""

    member_id: int
    kind: str
    about: str
    window_from: date
    window_until: date
    figures: Mapping[str, Any]


@dataclass(frozen=True)
class Alarm:
    """One alarm; `member` is a code. `policy` is None where no threshold decides."""

    id: UUID
    member: str
    kind: str
    about: str = field(repr=False)
    window_from: date
    window_until: date
    figures: dict[str, Any]
    policy: str | None
    first_seen: datetime
    last_seen: datetime
    state: str
    changed_at: datetime | None
    changed_by: str | None
    note: str | None = field(repr=False)


def raise_alarm(connection: Connection, found: Raised, policy: str, at: datetime) -> bool:
    """Raises it, or keeps the one that goes on up to date; returns whether it is new."""
    values = vars(found) | {"id": id_at(at), "policy": policy, "at": at}
    values["figures"] = orjson.dumps(dict(found.figures)).decode()
    return bool(connection.execute(_RAISE, values).scalar())


def list_alarms(
    connection: Connection, state: str, member: str | None, kind: str | None, most: int
) -> list[Alarm]:
    """Alarms, the last seen first. `state` is one of STATES, "going_on" (not closed) or "all"."""
    values = {"state": state, "member": member, "kind": kind, "most": most}
    return [Alarm(*row) for row in connection.execute(_LIST, values)]


def count_open(connection: Connection) -> int:
    """How many alarms nobody has acknowledged."""
    return int(connection.execute(_COUNT_OPEN).scalar_one())


def find_alarm(connection: Connection, id_: UUID) -> Alarm | None:
    """The alarm of that number, or None."""
    row = connection.execute(_ONE, {"id": id_}).one_or_none()
    return None if row is None else Alarm(*row)


def change_alarm(
    connection: Connection, id_: UUID, state: str, by: str, note: str | None, at: datetime
) -> Alarm:
    """To acknowledged or closed, by whom; a note that is None leaves the one there is. Returns it as it was.

    HuxinError H1903 (no such alarm), H1904 (closed before, or acknowledged before).
    """
    row = connection.execute(_HELD, {"id": id_}).one_or_none()
    if row is None:
        raise HuxinError("H1903")
    held = Alarm(*row)
    if held.state in (CLOSED, state):
        raise HuxinError("H1904", state=held.state)
    connection.execute(_CHANGE, {"id": id_, "state": state, "by": by, "note": note, "at": at})
    return held


def last_closed(connection: Connection, found: Raised) -> tuple[date, dict[str, Any]] | None:
    """Last day and figures of the alarm of the same kind that was closed last, or None."""
    values = {"member_id": found.member_id, "kind": found.kind, "about": found.about}
    row = connection.execute(_SETTLED, values).one_or_none()
    return None if row is None else (row[0], row[1])
