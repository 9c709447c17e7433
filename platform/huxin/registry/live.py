"""Connections of a serving process: pooled, autocommitting, prepared, and of the role huxin_app, which may little.

The role stands in the connection's options, so RESET ROLE returns to it; what the login role may do is undone by
SET ROLE NONE alone. An association that wants it closed gives the API a login of its own that is in huxin_app only.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from huxin.errors import HuxinError
from huxin.registry.bulk import STALE_KEYS
from huxin.registry.connect import APP_ROLE, APPLICATION, address_now, as_role, gone, libpq_uri
from huxin.registry.lines import LOST, Lines, RefusedError, Then
from huxin.registry.statement import Statement, together
from huxin.settings import Settings

_WAIT_S = 5.0  # for a connection; then the caller is told to come again
# For a statement: one that waits for a lock or a disk that does not come holds one of few threads. Nothing that is
# asked here takes a second by itself.
STATEMENT_S = 30
_TOO_LONG = "57014"
# A parameter that is null or small has a type of its own to the driver, and each mixture is a statement to prepare.
_PREPARED = 500
_DEADLOCK = "40P01"

Row = tuple[Any, ...]
Connection = psycopg.Connection[Row]


@dataclass(frozen=True)
class _Opened:
    """What a process has open, from when it first asks until its server ends a connection: then all of it is left."""

    process: int
    pool: ConnectionPool[Connection]
    lines: Lines
    # Apart, so that lots always go by the same one or two: the server's process behind it has all at hand then.
    lots: Lines

    def close(self) -> None:
        # The pool first: one that is open warns of every connection that comes back to it closed.
        self.pool.close()
        self.lines.drop()
        self.lots.drop()


_LINES: Callable[[_Opened], Lines] = attrgetter("lines")
_LOTS: Callable[[_Opened], Lines] = attrgetter("lots")


class Live:
    """A pool for this process, made when first used and anew after a fork; safe to share between threads.

    Where the server ends a connection it has mostly ended all (it was restarted, or the sandbox was made anew), so that
    everything is opened anew.
    """

    def __init__(self, settings: Settings, size: int = 32) -> None:
        self._settings, self._size = settings, size
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self._first: tuple[int, str] | None = None

    def call(self, statement: Statement, values: Sequence[Any], then: Then | None = None) -> Row | None:
        """The first row of a prepared statement; else as `row`, for those few that every enquiry runs.

        `then` is what has to follow on the same connection: where that is lost in between, all is tried once more.
        """
        rows = self._rows(_LINES, statement, values, then)
        return rows[0] if rows else None

    def call_in_lot(self, statement: Statement, values: Sequence[Any]) -> Row | None:
        """As `call`, over the connections of `calls`: a lot of one."""
        rows = self._rows(_LOTS, statement, values, None)
        return rows[0] if rows else None

    def calls(self, calls: Sequence[tuple[Statement, Sequence[Any]]], then: Then | None = None) -> list[Row]:
        """A row of each call, in one transaction: all are done, or none."""
        statement = together([each for each, _ in calls])
        return self._rows(_LOTS, statement, [value for _, values in calls for value in values], then)

    def lot(self, statement: Statement, values: Sequence[Any]) -> list[Row]:
        """All rows of one statement about several that came at once, over the connections of `calls`."""
        return self._rows(_LOTS, statement, values, None)

    def _rows(
        self,
        which: Callable[[_Opened], Lines],
        statement: Statement,
        values: Sequence[Any],
        then: Then | None,
    ) -> list[Row]:
        for attempt in (1, 2):
            try:
                return which(self._now()).rows(statement, values, then)
            except RefusedError as error:
                if attempt == 2 or not (gone(error.sqlstate) or error.sqlstate == _DEADLOCK):
                    raise _refusal(error.sqlstate) from None
        return []

    def row(self, query: str, values: Sequence[object]) -> Row | None:
        """The first row of a statement that is a transaction by itself; None when there is none.

        A lost connection or a deadlock is tried once more, so the statement must bear being run twice. HuxinError
        H0502 when the server is away or takes too long, H0501 for whatever else it refuses (its text, which may quote a
        value, is not kept).
        """
        for attempt in (1, 2):
            try:
                with self.connection() as connection:
                    return connection.execute(query, values, binary=True).fetchone()
            except psycopg.Error as error:
                lost = _lost(error)
                if attempt == 2 or not (lost or error.sqlstate == _DEADLOCK):
                    raise _refusal(None if lost else error.sqlstate) from None
        return None

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection of the pool in autocommit mode. HuxinError H0502 when there is none in five seconds."""
        opened, taken = self._taken()
        try:
            yield taken
        except psycopg.Error as error:
            if _lost(error):
                self._leave(opened)
            raise
        finally:
            opened.pool.putconn(taken)

    @contextmanager
    def as_member(self, member_id: int) -> Iterator[Connection]:
        """A transaction that sees the rows of one member, and no other's, of the tables grouped by member.

        HuxinError H0502 when a statement takes too long.
        """
        try:
            with self.connection() as connection, connection.transaction():
                connection.execute("SELECT set_config('huxin.member', %s, true)", (str(member_id),))
                yield connection
        except psycopg.errors.QueryCanceled:
            raise HuxinError("H0502") from None

    def close(self) -> None:
        """Closes the connections of this process; a later use opens others."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened and opened.process == os.getpid():
            opened.close()

    def _now(self) -> _Opened:
        opened = self._opened
        if opened and opened.process == os.getpid():
            return opened
        with self._lock:
            if not self._opened or self._opened.process != os.getpid():
                self._opened = self._open()
            return self._opened

    def _open(self) -> _Opened:
        # Once a process: an embedded server is started by it, and whoever is told 503 is not to start what was ended.
        if self._first is None or self._first[0] != os.getpid():
            self._first = os.getpid(), as_role(libpq_uri(self._settings), APP_ROLE)
        pool = _pool(self._settings, self._first[1], self._size)

        def lines() -> Lines:
            return Lines(lambda: _connection(pool), pool.putconn, lambda: self._leave(opened))

        opened = _Opened(os.getpid(), pool, lines(), lines())
        return opened

    def _leave(self, opened: _Opened) -> None:
        """Closes what is open, where nobody else has; whoever asks next opens anew."""
        with self._lock:
            if self._opened is opened:
                self._opened = None
        opened.close()

    def _taken(self) -> tuple[_Opened, Connection]:
        """A connection, and of what it is one. It may have been left just now: then once more."""
        for _ in range(2):
            opened = self._now()
            with suppress(RefusedError):
                return opened, _connection(opened.pool)
        raise HuxinError("H0502")


def _connection(pool: ConnectionPool[Connection]) -> Connection:
    """HuxinError H0502 when there is none in five seconds; RefusedError where the pool was left meanwhile."""
    try:
        return pool.getconn()
    except PoolTimeout:
        raise HuxinError("H0502") from None
    except PoolClosed:
        raise RefusedError(LOST) from None


_CONNECTING: dict[str, Any] = {
    "autocommit": True,
    "prepare_threshold": 0,
    "fallback_application_name": APPLICATION,
    "connect_timeout": 10,
    # A host that is gone without a word is found in half a minute; the kernel's own patience is a quarter of an hour.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": STATEMENT_S * 1000,
}


def _pool(settings: Settings, first: str, size: int) -> ConnectionPool[Connection]:
    return ConnectionPool(
        lambda: address_now(settings, first),
        kwargs=_CONNECTING,
        configure=_configure,
        min_size=1,
        max_size=size,
        timeout=_WAIT_S,
        open=True,
    )


def _configure(connection: Connection) -> None:
    connection.prepared_max = _PREPARED
    connection.execute("SET timezone = 'UTC'")
    connection.execute(f"SET statement_timeout = '{STATEMENT_S}s'")


def _refusal(sqlstate: str | None) -> HuxinError:
    if sqlstate == STALE_KEYS:
        return HuxinError("H1601")
    if gone(sqlstate) or sqlstate == _TOO_LONG:
        return HuxinError("H0502")
    return HuxinError("H0501", sqlstate=sqlstate)


def _lost(error: psycopg.Error) -> bool:
    return isinstance(error, psycopg.OperationalError) and gone(error.sqlstate)
