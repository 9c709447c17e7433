"""Credentials of callers: public halves of key pairs. The operator's part writes tables, the API's calls functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select, text, update

from huxin.errors import HuxinError
from huxin.registry.live import Live
from huxin.registry.statement import BOOL, ID, TEXT, calling
from huxin.registry.tables_access import credential

SCOPES = ("enquiries", "reservations", "submissions", "audit")
ROLES = ("member", "operator", "auditor")
MOST_LIVE = 2  # one in use and its successor
_STANDING = calling("access_standing", (ID,), (("live", BOOL), ("status", TEXT)))

# One statement for the app's role, giving its first row: `Live.row` of huxin.registry.live.
Row = Callable[[str, Sequence[object]], tuple[Any, ...] | None]


@dataclass(frozen=True)
class Credential:
    """A registered public key (DER, SubjectPublicKeyInfo) of a member, an operator or an auditor."""

    id: UUID
    role: str
    member_id: int
    holder: str
    alg: str
    public_key: bytes
    scopes: tuple[str, ...]
    created_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True)
class Key:
    """What checking an assertion needs of the key it names."""

    role: str
    member_id: int
    holder: str
    alg: str
    public_key: bytes
    scopes: tuple[str, ...]
    revoked: bool


def add_credential(database: Connection, made: Credential) -> None:
    """Registers a key. HuxinError H1130 when its holder has MOST_LIVE live ones."""
    turn = text("SELECT pg_advisory_xact_lock(hashtextextended(:holder, 0))")
    database.execute(turn, {"holder": f"credential {made.role} {made.holder}"})
    live = [each for each in list_credentials(database, made.holder, made.role) if not each.revoked_at]
    if len(live) >= MOST_LIVE:
        raise HuxinError("H1130", holder=made.holder)
    values = {column.name: getattr(made, column.name) for column in credential.columns}
    database.execute(credential.insert().values(values | {"scopes": list(made.scopes)}))


def list_credentials(database: Connection, holder: str, role: str = "member") -> list[Credential]:
    """A holder's keys, the oldest first, revoked ones among them."""
    wanted = select(credential).where(credential.c.role == role, credential.c.holder == holder)
    rows = database.execute(wanted.order_by(credential.c.created_at, credential.c.id)).mappings()
    return [Credential(**{**row, "scopes": tuple(row["scopes"])}) for row in rows]


def revoke_credential(database: Connection, id_: UUID, now: datetime) -> str:
    """Ends a key for good; returns its holder. HuxinError H1131 when no live key has that number."""
    ended = (
        update(credential)
        .where(credential.c.id == id_, credential.c.revoked_at.is_(None))
        .values(revoked_at=func.greatest(now, credential.c.created_at))
        .returning(credential.c.holder)
    )
    holder = database.execute(ended).scalar_one_or_none()
    if holder is None:
        raise HuxinError("H1131")
    return str(holder)


def find_key(row: Row, id_: UUID) -> Key | None:
    """The key of that number, revoked or not."""
    found = row("SELECT * FROM access_key(%s)", (id_,))
    if found is None:
        return None
    role, member_id, holder, alg, public_key, scopes, revoked = found
    return Key(role, member_id, holder, alg, bytes(public_key), tuple(scopes), revoked)


def use_assertion(row: Row, key_id: UUID, jti_digest: UUID, expires_at: datetime, now: datetime) -> bool:
    """Marks an assertion as used, durably; False when it was used before."""
    found = row("SELECT access_use(%s, %s, %s, %s)", (key_id, jti_digest, expires_at, now))
    return bool(found and found[0])


def standing(live: Live, key_id: UUID) -> tuple[bool, str]:
    """Whether a key is live, and its member's status ("active", "suspended")."""
    found = live.call(_STANDING, (key_id,))
    return (found[0], found[1]) if found else (False, "active")


def own_set_up(row: Row, key_id: UUID) -> dict[str, Any]:
    """What the registry knows of the caller itself: `member`, `keys` (live), newest `submission`; or None each."""
    found = row("SELECT access_whoami(%s)", (key_id,))
    return dict(found[0]) if found and found[0] else {"member": None, "keys": None, "submission": None}


def revision(row: Row) -> str | None:
    """The migration the database stands at."""
    found = row("SELECT access_revision()", ())
    return None if found is None else found[0]
