"""Connections of a process for prepared statements, run by libpq's own calls; a thread takes one and gives it back."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import pq

from huxin.registry.statement import Statement

Row = tuple[Any, ...]
Then = Callable[[list[Row]], tuple[Statement, Sequence[Any]] | None]
Left = Callable[[psycopg.Connection[Any]], None]
_GOOD = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
LOST = "08006"  # connection_failure: what libpq says where the server can say nothing


class RefusedError(Exception):
    """The server refused a statement, or went away; only the SQLSTATE is kept, for the text may quote a value."""

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate
        super().__init__(sqlstate)


class Line:
    """One connection in autocommit mode, of one thread at a time."""

    def __init__(self, connection: psycopg.Connection[Any], left: Left) -> None:
        self._connection, self._left = connection, left
        self._raw = connection.pgconn
        self._prepared: set[bytes] = set()

    def rows(self, statement: Statement, values: Sequence[Any]) -> list[Row]:
        """All rows. RefusedError."""
        sent: Any = statement.sent(values)  # None is null to libpq as well, whatever its annotation says
        try:
            if statement.name not in self._prepared:
                self._checked(self._raw.prepare(statement.name, statement.text))
                self._prepared.add(statement.name)
            result = self._checked(self._raw.exec_prepared(statement.name, sent, statement.formats, 1))
        except psycopg.OperationalError:  # the connection was closed before anything could be sent
            raise RefusedError(LOST) from None
        gives, value = statement.gives, result.get_value
        return [
            tuple(
                [
                    None if (data := value(row, column)) is None else read(data)
                    for column, read in enumerate(gives)
                ]
            )
            for row in range(result.ntuples)
        ]

    def close(self) -> None:
        with suppress(psycopg.Error):
            self._connection.close()
        self._left(self._connection)

    def _checked(self, result: Any) -> Any:
        if result.status in _GOOD:
            return result
        told = result.error_field(pq.DiagnosticField.SQLSTATE)
        alive = self._raw.status == pq.ConnStatus.OK
        raise RefusedError(told.decode() if told and alive else LOST)


class Lines:
    """As many lines as there are threads that ask at once; safe to share, and made anew after a fork."""

    def __init__(
        self, connect: Callable[[], psycopg.Connection[Any]], left: Left, lost: Callable[[], None]
    ) -> None:
        """`left` is told of each connection that was closed here, so that another can be had for it.

        `lost` is called before it where the server ended the connection: the others are lost as well then.
        """
        self._connect, self._left, self._lost = connect, left, lost
        self._over = False
        self._idle: tuple[int, deque[Line]] = os.getpid(), deque()

    def rows(self, statement: Statement, values: Sequence[Any], then: Then | None = None) -> list[Row]:
        """As `Line.rows`, on any line; one that failed is not used again where its connection is gone.

        What `then` makes of them follows over the same connection, which ends where the server crashes.
        """
        idle = self._own()
        try:
            line = idle.pop()
        except IndexError:
            line = Line(self._connect(), self._left)
        try:
            found = line.rows(statement, values)
            if then is not None and (more := then(found)) is not None:
                line.rows(*more)
        except RefusedError as error:
            if error.sqlstate == LOST or error.sqlstate.startswith("57P"):
                self._lost()
                line.close()
            else:
                self._keep(idle, line)
            raise
        except BaseException:
            line.close()  # whatever it was in the middle of
            raise
        self._keep(idle, line)
        return found

    def _keep(self, idle: deque[Line], line: Line) -> None:
        idle.append(line)
        if self._over:  # looked at after it, so that a line is closed by whoever comes second
            self.drop()

    def drop(self) -> None:
        """Closes what is idle, and from now on whatever is done with its call."""
        self._over = True
        idle = self._own()
        with suppress(IndexError):
            while True:
                idle.pop().close()

    def _own(self) -> deque[Line]:
        pid, idle = self._idle
        if pid != os.getpid():  # the parent's connections are its own, and are not even closed here
            pid, idle = self._idle = os.getpid(), deque()
        return idle
