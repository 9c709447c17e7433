"""Connections of a serving process: pooled, autocommitting, prepared, and of the role huxin_app, which may little.

The role stands in the connection's options, so RESET ROLE returns to it; what the login role may do is undone by
SET ROLE NONE alone. An association that wants it closed gives the API a login of its own that is in huxin_app only.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from huxin.errors import HuxinError
from huxin.registry.bulk import STALE_KEYS
from huxin.registry.connect import APP_ROLE, APPLICATION, address_now, as_role, gone, libpq_uri
from huxin.registry.lines import Lines, RefusedError, Then
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


class Live:
    """A pool for this process, made when first used and anew after a fork; safe to share between threads."""

    def __init__(self, settings: Settings, size: int = 32) -> None:
        self._settings, self._size = settings, size
        self._lock = threading.Lock()
        self._opened: tuple[int, ConnectionPool[Connection]] | None = None
        self._lines = Lines(self._line, self._left)
        # Apart, so that lots always go by the same one or two: the server's process behind it has all at hand then.
        self._lots = Lines(self._line, self._left)

    def call(self, statement: Statement, values: Sequence[Any], then: Then | None = None) -> Row | None:
        """The first row of a prepared statement; else as `row`, for those few that every enquiry runs.

        `then` is what has to follow on the same connection: where that is lost in between, all is tried once more.
        """
        rows = self._rows(self._lines, statement, values, then)
        return rows[0] if rows else None

    def call_in_lot(self, statement: Statement, values: Sequence[Any]) -> Row | None:
        """As `call`, over the connections of `calls`: a lot of one."""
        rows = self._rows(self._lots, statement, values, None)
        return rows[0] if rows else None

    def calls(self, calls: Sequence[tuple[Statement, Sequence[Any]]], then: Then | None = None) -> list[Row]:
        """A row of each call, in one transaction: all are done, or none."""
        statement = together([each for each, _ in calls])
        return self._rows(self._lots, statement, [value for _, values in calls for value in values], then)

    def lot(self, statement: Statement, values: Sequence[Any]) -> list[Row]:
        """All rows of one statement about several that came at once, over the connections of `calls`."""
        return self._rows(self._lots, statement, values, None)

    def _rows(
        self, lines: Lines, statement: Statement, values: Sequence[Any], then: Then | None
    ) -> list[Row]:
        for attempt in (1, 2):
            try:
                return lines.rows(statement, values, then)
            except RefusedError as error:
                lost = gone(error.sqlstate)
                if lost:
                    self._drop()
                    self._pool().drain()
                if attempt == 2 or not (lost or error.sqlstate == _DEADLOCK):
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
                if lost:
                    self._pool().drain()
                if attempt == 2 or not (lost or error.sqlstate == _DEADLOCK):
                    raise _refusal(None if lost else error.sqlstate) from None
        return None

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection of the pool in autocommit mode. HuxinError H0502 when there is none in five seconds."""
        pool = self._pool()
        try:
            taken = pool.getconn()
        except PoolTimeout:
            raise HuxinError("H0502") from None
        try:
            yield taken
        finally:
            pool.putconn(taken)

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
            if self._opened and self._opened[0] == os.getpid():
                # The pool first: one that is open warns of every line that comes back to it closed.
                self._opened[1].close()
                self._drop()
            self._opened = None

    def _drop(self) -> None:
        self._lines.drop()
        self._lots.drop()

    def _pool(self) -> ConnectionPool[Connection]:
        opened = self._opened
        if opened and opened[0] == os.getpid():
            return opened[1]
        with self._lock:
            if not self._opened or self._opened[0] != os.getpid():
                self._opened = os.getpid(), _pool(self._settings, self._size)
            return self._opened[1]

    def _line(self) -> Connection:
        try:
            return self._pool().getconn()
        except PoolTimeout:
            raise HuxinError("H0502") from None

    def _left(self, connection: Connection) -> None:
        self._pool().putconn(connection)


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


def _pool(settings: Settings, size: int) -> ConnectionPool[Connection]:
    first = as_role(libpq_uri(settings), APP_ROLE)
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
