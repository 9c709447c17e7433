"""Processes that hold keys: each says which version of each keyring it has read, for as long as it lives."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import Connection, text

from huxin.ids import new_id
from huxin.registry.connect import address_now, connect, libpq_uri, lost_connection_told
from huxin.settings import Settings

# A reader whose session is gone has no lock, and its row goes with the next look.
_BURY = text("""
    WITH gone AS MATERIALIZED (
        SELECT id FROM (SELECT id FROM key_reader OFFSET 0) r WHERE pg_try_advisory_xact_lock(key_reader_lock(id)))
    DELETE FROM key_reader r USING gone g WHERE r.id = g.id
""")
_LIST = text("SELECT kind, host, pid, versions, started_at, read_at FROM key_reader ORDER BY started_at, id")


@dataclass(frozen=True)
class KeyReader:
    """A live process that holds keys: what it is, where, and the versions of the keyrings it has read, by zone."""

    kind: str
    host: str
    pid: int
    versions: Mapping[str, int]
    started_at: datetime
    read_at: datetime

    def lags(self, zone: str, version: int) -> bool:
        """Whether it may still work by an earlier version: one that has not said anything yet may."""
        return not self.versions or self.versions.get(zone, version) < version


class Reading:
    """A process's own place among the readers, on a session of its own. For one thread at a time."""

    def __init__(self, settings: Settings, kind: str) -> None:
        """Takes the place before any key is read: what is exchanged meanwhile waits. H0313, H0502 as `connect`."""
        self._settings, self._kind, self._id = settings, kind, new_id()
        self._first = libpq_uri(settings)
        self._session: psycopg.Connection[Any] | None = None
        self._versions: dict[str, int] = {}
        self.say({})

    def say(self, versions: Mapping[str, int]) -> None:
        """Tells which versions were read; connects anew where the session was lost. HuxinError H0502, H0313."""
        self._versions = dict(versions)
        with lost_connection_told():
            self._opened().execute(
                "SELECT key_reader_here(%s, %s, %s, %s, %s, %s)",
                (
                    self._id,
                    self._kind,
                    socket.gethostname(),
                    os.getpid(),
                    Jsonb(self._versions),
                    self._settings.now(),
                ),
            )

    def held(self) -> bool:
        """Whether the session is still there; one that is not is given up, for `say` to make it anew."""
        try:
            self._opened().execute("SELECT")
        except (psycopg.Error, OSError):
            self._drop()
            return False
        return True

    def close(self) -> None:
        """Leaves; the lock ends with the session in any case."""
        if self._session is not None:
            with suppress(psycopg.Error):
                self._session.execute("SELECT key_reader_gone(%s)", (self._id,))
        self._drop()

    def _opened(self) -> psycopg.Connection[Any]:
        if self._session is None or self._session.closed:
            self._session = connect(address_now(self._settings, self._first))
            self._session.autocommit = True
        return self._session

    def _drop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(psycopg.Error):
                session.close()


@contextmanager
def reading(settings: Settings, kind: str) -> Iterator[Reading]:
    """A step's place among the readers, until it ends: enter it first, then read the keyrings, then `say`."""
    place = Reading(settings, kind)
    try:
        yield place
    finally:
        place.close()


def key_readers(database: Connection) -> list[KeyReader]:
    """The live readers, the longest running first."""
    database.execute(_BURY)
    return [KeyReader(*row) for row in database.execute(_LIST)]
