"""Sessions of signed-in persons, by the digest of what their cookie holds; and the waits of failed sign-ins."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

FREE_TRIES: Final = 5
LONGEST: Final = timedelta(minutes=30)
_FORGOTTEN: Final = timedelta(days=1)
# seen_at is written at most so often: a page of ten parts is one sign of life.
_WRITTEN: Final = timedelta(seconds=30)

_BEGIN = text("INSERT INTO console_session VALUES (:digest, :person_id, :now, :now)")
_FIND = text("""
    SELECT person_id, begun_at, seen_at FROM console_session
    WHERE digest = :digest AND seen_at > :idle AND begun_at > :oldest
""")
_SEEN = text("UPDATE console_session SET seen_at = :now WHERE digest = :digest")
_END = text("DELETE FROM console_session WHERE digest = :digest")
_END_ALL = text("DELETE FROM console_session WHERE person_id = :person_id")
_SWEEP = text("DELETE FROM console_session WHERE seen_at <= :idle OR begun_at <= :oldest")
_WAIT = text("SELECT until FROM sign_in_wait WHERE digest = :digest")
_FAILED = text("""
    INSERT INTO sign_in_wait AS w VALUES (:digest, 1, :now, :now)
    ON CONFLICT (digest) DO UPDATE SET
        failures = CASE WHEN w.last_at < :forgotten THEN 1 ELSE w.failures + 1 END, last_at = :now
    RETURNING failures
""")
_UNTIL = text("UPDATE sign_in_wait SET until = :until WHERE digest = :digest")
_CLEAR = text("DELETE FROM sign_in_wait WHERE digest = :digest OR last_at < :forgotten")


def begin(database: Connection, token: str, person_id: UUID, now: datetime) -> None:
    """A session under a fresh token."""
    database.execute(_BEGIN, {"digest": digest(token), "person_id": person_id, "now": now})


def whose(
    database: Connection, token: str, now: datetime, idle: timedelta, longest: timedelta
) -> UUID | None:
    """Whose session a token is of, and marks it as seen; None where it has ended or lain idle too long."""
    values = {"digest": digest(token), "idle": now - idle, "oldest": now - longest}
    row = database.execute(_FIND, values).one_or_none()
    if row is None:
        return None
    if now - row.seen_at > _WRITTEN:
        database.execute(_SEEN, {"digest": digest(token), "now": now})
    found: UUID = row.person_id
    return found


def end(database: Connection, token: str) -> None:
    """Ends one session."""
    database.execute(_END, {"digest": digest(token)})


def end_all(database: Connection, person_id: UUID) -> None:
    """Ends a person's sessions, wherever they are: what may be done has changed, or a password has."""
    database.execute(_END_ALL, {"person_id": person_id})


def sweep(database: Connection, now: datetime, idle: timedelta, longest: timedelta) -> None:
    """Forgets what has ended by time."""
    database.execute(_SWEEP, {"idle": now - idle, "oldest": now - longest})


def wait_until(database: Connection, login: str, now: datetime) -> datetime | None:
    """Until when nobody signs in under this name; None where nothing keeps him."""
    until = database.execute(_WAIT, {"digest": digest(login)}).scalar()
    return until if until is not None and until > now else None


def note_failure(database: Connection, login: str, now: datetime) -> None:
    """Counts a failed sign-in. After FREE_TRIES each doubles the wait: 1, 2, 4 … minutes, LONGEST at most."""
    values = {"digest": digest(login), "now": now, "forgotten": now - _FORGOTTEN}
    failures = int(database.execute(_FAILED, values).scalar_one())
    if failures >= FREE_TRIES:
        wait = min(timedelta(minutes=2 ** min(failures - FREE_TRIES, 10)), LONGEST)
        database.execute(_UNTIL, {"digest": digest(login), "until": now + wait})


def clear_failures(database: Connection, login: str, now: datetime) -> None:
    """Forgets the failures under a name, and old ones under any."""
    database.execute(_CLEAR, {"digest": digest(login), "forgotten": now - _FORGOTTEN})


def digest(token: str) -> bytes:
    """SHA-256: of 256 random bits no more is needed, and names are not kept as they were typed."""
    return hashlib.sha256(token.encode()).digest()
