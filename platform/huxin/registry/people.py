"""Persons who sign in to the console: the association's own and members' staff."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, text

from huxin.errors import HuxinError
from huxin.ids import new_id

ADMINISTRATOR: Final = "administrator"
STEWARD: Final = "steward"
AUDITOR: Final = "auditor"
MEMBER_ADMINISTRATOR: Final = "member_administrator"
CLERK: Final = "clerk"
OPERATORS: Final = (ADMINISTRATOR, STEWARD, AUDITOR)
OF_MEMBERS: Final = (MEMBER_ADMINISTRATOR, CLERK)
ROLES: Final = (*OPERATORS, *OF_MEMBERS)
NO_MEMBER: Final = 0

INVITED: Final = "invited"
ACTIVE: Final = "active"
CLOSED: Final = "closed"

_COLUMNS = """
    p.id, p.login, p.role, p.member_id, coalesce(m.code, '') AS member, p.state, p.password, p.totp, p.language,
    p.valid_until, p.created_at, p.seen_at
"""
_FROM = f"SELECT {_COLUMNS} FROM person p LEFT JOIN member m ON m.id = p.member_id"
_BY_LOGIN = text(f"{_FROM} WHERE p.login = :login")
_BY_ID = text(f"{_FROM} WHERE p.id = :id")
_LIST = text(f"""
    {_FROM} WHERE (CAST(:member_id AS integer) IS NULL OR p.member_id = :member_id)
      AND (CAST(:after AS text) IS NULL OR p.login > :after)
    ORDER BY p.login LIMIT :most
""")
_ADD = text("""
    INSERT INTO person (id, login, role, member_id, state, valid_until, created_at, created_by)
    VALUES (:id, :login, :role, :member_id, 'invited', :valid_until, :now, :by)
    ON CONFLICT (login) DO NOTHING RETURNING id
""")
_STEP = text(
    "UPDATE person SET totp_step = :step, seen_at = :now WHERE id = :id AND totp_step < :step RETURNING id"
)
_JOINED = text("""
    UPDATE person SET state = 'active', password = :password, totp = :totp, totp_step = :step, seen_at = :now
    WHERE id = :id
""")
_STATE = text("UPDATE person SET state = :state WHERE id = :id")
_ROLE = text("UPDATE person SET role = :role, valid_until = :valid_until WHERE id = :id")
_LANGUAGE = text("UPDATE person SET language = :language WHERE id = :id")
_PASSWORD = text("UPDATE person SET password = :password WHERE id = :id")
_ADMINISTRATORS = text(
    "SELECT id FROM person WHERE role = 'administrator' AND state = 'active' ORDER BY id FOR UPDATE"
)


@dataclass(frozen=True)
class Person:
    """Somebody who signs in. `member` is a code, "" for the association's own; password and totp as they are kept."""

    id: UUID
    login: str
    role: str
    member_id: int
    member: str
    state: str
    password: str | None = field(repr=False)
    totp: bytes | None = field(repr=False)
    language: str | None
    valid_until: datetime | None
    created_at: datetime
    seen_at: datetime | None

    @property
    def operator(self) -> bool:
        return self.role in OPERATORS

    def lives(self, now: datetime) -> bool:
        """Whether this person may sign in at all."""
        return self.state == ACTIVE and (self.valid_until is None or now < self.valid_until)


def add_person(
    database: Connection,
    login: str,
    role: str,
    member_id: int,
    by: str,
    now: datetime,
    valid_until: datetime | None = None,
) -> UUID:
    """Somebody who has not joined yet. HuxinError H2002: the name is taken."""
    id_ = new_id()
    values = {"id": id_, "login": login, "role": role, "member_id": member_id, "valid_until": valid_until}
    if database.execute(_ADD, values | {"now": now, "by": by}).scalar() is None:
        raise HuxinError("H2002", login=login)
    return id_


def find_login(database: Connection, login: str) -> Person | None:
    """The person of that name, in whatever state."""
    return _one(database.execute(_BY_LOGIN, {"login": login}).mappings().one_or_none())


def find_person(database: Connection, id_: UUID) -> Person | None:
    """The person of that number, in whatever state."""
    return _one(database.execute(_BY_ID, {"id": id_}).mappings().one_or_none())


def list_people(
    database: Connection, member_id: int | None = None, after: str | None = None, most: int = 51
) -> list[Person]:
    """Persons by name: all, or one member's (NO_MEMBER: the association's), those after a name."""
    rows = database.execute(_LIST, {"member_id": member_id, "after": after, "most": most}).mappings()
    return [Person(**_typed(row)) for row in rows]


def use_code(database: Connection, id_: UUID, step: int, now: datetime) -> bool:
    """Marks the time step of a TOTP code as used; False where it, or a later one, was used before."""
    return database.execute(_STEP, {"id": id_, "step": step, "now": now}).scalar() is not None


def let_in(database: Connection, id_: UUID, password: str, totp: bytes, step: int, now: datetime) -> None:
    """Makes one who has opened an invitation active, with what was chosen there."""
    database.execute(_JOINED, {"id": id_, "password": password, "totp": totp, "step": step, "now": now})


def set_state(database: Connection, id_: UUID, state: str) -> None:
    """To ACTIVE, INVITED or CLOSED. HuxinError H2005: nobody would be left to administer."""
    person = find_person(database, id_)
    if person and person.role == ADMINISTRATOR and state != ACTIVE:
        _keep_one(database, id_)
    database.execute(_STATE, {"id": id_, "state": state})


def set_role(database: Connection, id_: UUID, role: str, valid_until: datetime | None) -> None:
    """Another role of the same kind, until when it holds (None: no end). HuxinError H2005."""
    if role != ADMINISTRATOR:
        _keep_one(database, id_)
    database.execute(_ROLE, {"id": id_, "role": role, "valid_until": valid_until})


def set_language(database: Connection, id_: UUID, language: str) -> None:
    """The language that a person has chosen ("zh" or "en")."""
    database.execute(_LANGUAGE, {"id": id_, "language": language})


def set_password(database: Connection, id_: UUID, password: str) -> None:
    """Another password, hashed already."""
    database.execute(_PASSWORD, {"id": id_, "password": password})


def _keep_one(database: Connection, leaving: UUID) -> None:
    there = set(database.execute(_ADMINISTRATORS).scalars())
    if leaving in there and len(there) == 1:
        raise HuxinError("H2005")


def _one(row: Mapping[Any, Any] | None) -> Person | None:
    return None if row is None else Person(**_typed(row))


def _typed(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        str(name): bytes(value) if isinstance(value, memoryview) else value for name, value in row.items()
    }
