"""Members as operators look them up: a page at a time, each with what it has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, text

from huxin.registry.limits import Limit

_COLUMNS = """
    m.id, m.code, m.name, m.status, m.kind, m.tier, m.as_of_date, m.created_at,
    (SELECT count(*) FROM credential c WHERE c.role = 'member' AND c.holder = m.code AND c.revoked_at IS NULL) AS keys,
    (SELECT count(*) FROM person p WHERE p.member_id = m.id AND p.state = 'active') AS people
"""
# Members are few, and looked for by any part of their name.
_LIST = text(f"""
    SELECT {_COLUMNS} FROM member m
    WHERE (CAST(:status AS text) IS NULL OR m.status = :status) AND (CAST(:tier AS text) IS NULL OR m.tier = :tier)
      AND (CAST(:wanted AS text) IS NULL OR strpos(lower(m.code), :wanted) > 0 OR strpos(lower(m.name), :wanted) > 0)
      AND (CAST(:after AS text) IS NULL OR m.code > :after)
    ORDER BY m.code LIMIT :most
""")
_ONE = text(f"SELECT {_COLUMNS} FROM member m WHERE m.code = :code")
_LIMITS = text("""
    SELECT m.code, l.purpose, l.per_minute, l.per_day, l.until, l.set_at
    FROM member_limit l JOIN member m ON m.id = l.member_id WHERE l.member_id = :id ORDER BY l.purpose
""")
_NAME = text("UPDATE member SET name = :name WHERE id = :id")
_COUNTS = text("SELECT status, count(*) FROM member GROUP BY status")


@dataclass(frozen=True)
class MemberRow:
    """A member with its newest as-of date, its live keys and those of its people who can sign in."""

    id: int
    code: str
    name: str
    status: str
    kind: str
    tier: str
    as_of_date: date | None
    created_at: datetime
    keys: int
    people: int


def search_members(
    database: Connection,
    wanted: str | None = None,
    status: str | None = None,
    tier: str | None = None,
    after: str | None = None,
    most: int = 51,
) -> list[MemberRow]:
    """Members by code, those behind `after`; `wanted` is a part of code or name."""
    values: dict[str, Any] = {"wanted": wanted and wanted.lower(), "status": status, "tier": tier}
    rows = database.execute(_LIST, values | {"after": after, "most": most}).mappings()
    return [MemberRow(**row) for row in rows]


def member_row(database: Connection, code: str) -> MemberRow | None:
    """The member of that code, or None."""
    row = database.execute(_ONE, {"code": code}).mappings().one_or_none()
    return None if row is None else MemberRow(**row)


def status_counts(database: Connection) -> dict[str, int]:
    """How many members there are of each status."""
    return {row[0]: row[1] for row in database.execute(_COUNTS)}


def limits_of(database: Connection, member_id: int) -> list[Limit]:
    """The member's own limits."""
    return [Limit(*row) for row in database.execute(_LIMITS, {"id": member_id})]


def rename(database: Connection, member_id: int, name: str) -> None:
    """Another name."""
    database.execute(_NAME, {"id": member_id, "name": name})
