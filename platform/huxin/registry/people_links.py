"""One-time links: to join, or back in for somebody who has lost password or phone. Only digests stand here."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

JOIN: Final = "join"
RECOVER: Final = "recover"
LIVES: Final = {JOIN: timedelta(hours=72), RECOVER: timedelta(hours=24)}

# A new link ends the older ones of the same person.
_END = text("UPDATE invitation SET used_at = :now WHERE person_id = :person_id AND used_at IS NULL")
_ADD = text("""
    INSERT INTO invitation (digest, person_id, purpose, created_at, expires_at)
    VALUES (:digest, :person_id, :purpose, :now, :expires_at)
""")
_FIND = text("""
    SELECT person_id, purpose, totp, expires_at FROM invitation
    WHERE digest = :digest AND used_at IS NULL AND expires_at > :now
""")
_TOTP = text("UPDATE invitation SET totp = :totp WHERE digest = :digest AND totp IS NULL")
_USE = text("""
    UPDATE invitation SET used_at = :now WHERE digest = :digest AND used_at IS NULL AND expires_at > :now
    RETURNING person_id
""")


@dataclass(frozen=True)
class Link:
    """A link that may be used; `totp` is sealed, None until it was first opened."""

    person_id: UUID
    purpose: str
    totp: bytes | None = field(repr=False)
    expires_at: datetime


def make_link(database: Connection, person_id: UUID, purpose: str, now: datetime) -> str:
    """The secret part of a new link: 256 random bits as text. It is told once and not kept."""
    secret = secrets.token_urlsafe(32)
    database.execute(_END, {"person_id": person_id, "now": now})
    values = {"digest": _digest(secret), "person_id": person_id, "purpose": purpose}
    database.execute(_ADD, values | {"now": now, "expires_at": now + LIVES[purpose]})
    return secret


def find_link(database: Connection, secret: str, now: datetime) -> Link | None:
    """What a link is for; None where it was used, has expired or never was."""
    row = database.execute(_FIND, {"digest": _digest(secret), "now": now}).one_or_none()
    if row is None:
        return None
    return Link(row.person_id, row.purpose, None if row.totp is None else bytes(row.totp), row.expires_at)


def keep_totp(database: Connection, secret: str, sealed: bytes) -> None:
    """Keeps the secret that was shown, unless one was before."""
    database.execute(_TOTP, {"digest": _digest(secret), "totp": sealed})


def use_link(database: Connection, secret: str, now: datetime) -> bool:
    """Uses the link up; False where another was quicker."""
    return database.execute(_USE, {"digest": _digest(secret), "now": now}).scalar() is not None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
