"""What waits to be worked at once instead of in the night: sent over HTTP, or let in by its member; and the bell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Connection, text

from huxin.registry.connect import locking_session, lost_connection_told
from huxin.registry.submissions import Submission, unfinished
from huxin.settings import Settings

API = "api"  # the mark of a submission that came over HTTP, in its facts as "came"
_BELL = "huxin_work"
_ONE_WORKER = 0x48585752  # an advisory lock's key of our own


def ready(connection: Connection) -> list[Submission]:
    """The unfinished submissions that need not wait for the night. Those of the inbox are the night's."""
    return [item for item in unfinished(connection) if item.confirmed or item.facts.get("came") == API]


def ring(connection: Connection) -> None:
    """Wakes the worker once this transaction is committed."""
    connection.execute(text(f"NOTIFY {_BELL}"))


@dataclass(frozen=True)
class Bell:
    """A session of the one worker: it hears the bell, and holds off other workers as long as it lives."""

    _session: psycopg.Connection[Any]

    def alone(self) -> bool:
        """Whether this is the one worker (now; it stays so)."""
        with lost_connection_told():
            row = self._session.execute("SELECT pg_try_advisory_lock(%s)", [_ONE_WORKER]).fetchone()
        return bool(row and row[0])

    def wait(self, seconds: float) -> bool:
        """Waits for the bell; whether it rang. HuxinError H0502 when the server went away."""
        with lost_connection_told():
            return any(True for _ in self._session.notifies(timeout=seconds, stop_after=1))


@contextmanager
def bell(settings: Settings) -> Iterator[Bell]:
    """A session that listens from now on."""
    with locking_session(settings) as session:
        with lost_connection_told():
            session.execute(f"LISTEN {_BELL}")
        yield Bell(session)
