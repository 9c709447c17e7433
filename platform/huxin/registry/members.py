"""Members: who may send and ask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from huxin.registry.tables import member

UNKNOWN = 0  # the member_id of submissions whose sender is no member


@dataclass(frozen=True)
class Member:
    """A lender of the association. `as_of_date` and `as_of_sequence` are of its newest published submission."""

    id: int
    code: str
    name: str
    status: str
    as_of_date: date | None
    as_of_sequence: int | None

    @property
    def active(self) -> bool:
        return self.status == "active"


def add_members(connection: Connection, names: Iterable[tuple[str, str]], now: datetime) -> list[str]:
    """Registers (code, name) pairs; codes already there keep their name. Returns the codes that are new."""
    rows = [{"code": code, "name": name, "created_at": now} for code, name in names]
    if not rows:
        return []
    statement = upsert(member).on_conflict_do_nothing(index_elements=["code"]).returning(member.c.code)
    return sorted(connection.execute(statement, rows).scalars())


def list_members(connection: Connection) -> list[Member]:
    """All members by code."""
    return [Member(*row) for row in connection.execute(_SELECT.order_by(member.c.code))]


def member_rows(connection: Connection) -> list[dict[str, Any]]:
    """All members with all that is known of them, as JSON: for a zone that keeps a copy."""
    names = [str(column.name) for column in member.columns]
    rows = connection.execute(select(member).order_by(member.c.id)).mappings()
    return [{name: _plain(row[name]) for name in names} for row in rows]


def copy_members(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Makes members what `member_rows` told elsewhere, under the same ids. One that is not told of stays."""
    values = [
        {name: _typed(member.c[name].type.python_type, value) for name, value in row.items()} for row in rows
    ]
    if values:
        made = upsert(member)
        changes = {name: made.excluded[name] for name in values[0] if name != "id"}
        connection.execute(made.on_conflict_do_update(index_elements=["id"], set_=changes), values)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _typed(kind: Any, value: Any) -> Any:
    return kind.fromisoformat(value) if value is not None and issubclass(kind, date) else value


def find_member(connection: Connection, code: str) -> Member | None:
    """The member of that code, or None."""
    row = connection.execute(_SELECT.where(member.c.code == code)).one_or_none()
    return Member(*row) if row else None


def set_status(connection: Connection, code: str, status: str, now: datetime | None = None) -> None:
    """Suspends a member or makes it active again ("active", "suspended"); `now` dates what it was until then."""
    _date(connection, now)
    connection.execute(update(member).where(member.c.code == code).values(status=status))


def change_member(
    connection: Connection,
    code: str,
    tier: str | None = None,
    kind: str | None = None,
    now: datetime | None = None,
) -> None:
    """Sets what a member may see (a tier of the policy) and which kind of lender it is; None leaves as it is.

    `now` dates what it was until then; without it the database's clock does.
    """
    _date(connection, now)
    values = {name: value for name, value in (("tier", tier), ("kind", kind)) if value is not None}
    connection.execute(update(member).where(member.c.code == code).values(values))


def _date(connection: Connection, now: datetime | None) -> None:
    """Tells the trigger that keeps what a member was (functions/replay.sql) the moment of this transaction's act."""
    if now is not None:
        connection.execute(text("SELECT set_config('huxin.moment', :now, true)"), {"now": now.isoformat()})


_SELECT = select(
    member.c.id, member.c.code, member.c.name, member.c.status, member.c.as_of_date, member.c.as_of_sequence
)
