"""Limits of single members: tighter than the policy's quota of their tier, for a purpose, until a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, text

from huxin.registry.live import Live

Limits = dict[tuple[int, str], tuple[int | None, int | None]]  # (member, purpose) to (per minute, per day)

_SET = text("""
    INSERT INTO member_limit AS l (member_id, purpose, per_minute, per_day, until, set_at)
    VALUES (:member_id, :purpose, :per_minute, :per_day, :until, :now)
    ON CONFLICT (member_id, purpose) DO UPDATE SET per_minute = excluded.per_minute, per_day = excluded.per_day,
        until = excluded.until, set_at = excluded.set_at
""")
_LIFT = text("DELETE FROM member_limit WHERE member_id = :member_id AND purpose = :purpose")
_LIST = text("""
    SELECT m.code, l.purpose, l.per_minute, l.per_day, l.until, l.set_at
    FROM member_limit l JOIN member m ON m.id = l.member_id ORDER BY m.code, l.purpose
""")


@dataclass(frozen=True)
class Limit:
    """One limit; None does not bind. It ends with the day `until`."""

    member: str
    purpose: str
    per_minute: int | None
    per_day: int | None
    until: date | None
    set_at: datetime


def limits_now(live: Live, today: date) -> Limits:
    """Every limit in force on a day."""
    found = live.row("SELECT guard_limits(%s)", (today,))
    rows = found[0] if found else []
    return {(member, purpose): (minute, day) for member, purpose, minute, day in rows}


def set_limit(
    connection: Connection,
    member_id: int,
    purpose: str,
    per_minute: int | None,
    per_day: int | None,
    until: date | None,
    now: datetime,
) -> None:
    """Limits a member for a purpose, in place of what limited it before."""
    values = {"member_id": member_id, "purpose": purpose, "per_minute": per_minute, "per_day": per_day}
    connection.execute(_SET, values | {"until": until, "now": now})


def lift_limit(connection: Connection, member_id: int, purpose: str) -> bool:
    """Takes a member's limit; returns whether there was one."""
    return bool(connection.execute(_LIFT, {"member_id": member_id, "purpose": purpose}).rowcount)


def list_limits(connection: Connection) -> list[Limit]:
    """Every limit there is, those that have ended among them."""
    return [Limit(*row) for row in connection.execute(_LIST)]
