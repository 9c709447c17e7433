"""One transaction for a load: binary COPY in, set-based SQL, records out, on a single connection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, cast

import psycopg
import pyarrow as pa

from huxin.errors import HuxinError
from huxin.registry.connect import connect, gone, libpq_uri
from huxin.registry.wire import HEADER, TRAILER, Bytes, Encoded, decode, encode
from huxin.settings import Settings

CONTENDED = ("23505", "40P01")  # unique violation, deadlock: another load was at the same tokens
STALE_KEYS = "HX001"  # of our own functions: keys of epochs that are not in force any more
_SEND = {
    **{"bool": "boolsend", "int2": "int2send", "int4": "int4send", "int8": "int8send", "uuid": "uuid_send"},
    "timestamptz": "timestamptz_send",
}


class BulkError(HuxinError):
    """A statement failed (H0501), the server went away (H0502), or keys were retired meanwhile (H1601).

    Only the SQLSTATE is kept: the server's text may quote a row.
    """

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate
        code = "H1601" if sqlstate == STALE_KEYS else "H0502" if gone(sqlstate) else "H0501"
        super().__init__(code, sqlstate=sqlstate)


class _StoppedError(Exception):
    """Ends a COPY whose rows ended badly: the server is told the name of this class, and nothing of a row."""


class Bulk:
    """A connection in one transaction; nothing is visible to others before `commit`."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._cursor = connection.cursor(binary=True)

    def run(self, *statements: str) -> None:
        """Executes statements that return nothing. Raises BulkError."""
        with _without_values():
            for statement in statements:
                self._cursor.execute(statement.encode())

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The query's few rows. Raises BulkError."""
        with _without_values():
            return self._cursor.execute(query.encode()).fetchall()

    def table(self, query: str, columns: Mapping[str, str]) -> pa.Table:
        """The rows of a query, or of what a statement returns, as an Arrow table.

        Its columns, with their types (see wire.decode), are never null. The server puts them into one value, which is
        read at once: a row by itself costs a call each.
        """
        record = " || ".join(f'{_SEND[kind]}(q."{name}")' for name, kind in columns.items())
        ((count, data),) = self.rows(
            f"WITH q AS ({query}) SELECT count(*), string_agg({record}, ''::bytea) FROM q"
        )
        found = decode(data or b"", columns)
        if found.num_rows != count:
            raise ValueError("a column was null")
        return found

    def copy(self, table: str, data: pa.Table | Encoded) -> int:
        """COPYs rows to the end of a table, columns by name; returns how many. Raises BulkError.

        An exception of the rows' own is raised as it is.
        """
        rows = Encoded(tuple(data.column_names), encode(data)) if isinstance(data, pa.Table) else data
        names = ", ".join(f'"{name}"' for name in rows.columns)
        told: list[Exception] = []
        try:
            with (
                _without_values(),
                self._cursor.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT binary)".encode()) as copying,
            ):
                copying.write(HEADER)
                for part in _watched(rows, told):
                    copying.write(cast(bytes, part.data))
                copying.write(TRAILER)
        except _StoppedError:
            raise told[0] from None
        return self._cursor.rowcount

    def commit(self) -> None:
        with _without_values():
            self._connection.commit()


def _watched(rows: Encoded, told: list[Exception]) -> Iterator[Bytes]:
    """The same parts; an exception that ends them early is kept in `told`, for it may quote a row."""
    try:
        yield from rows.parts
    except Exception as error:
        told.append(error)
        raise _StoppedError from None


@contextmanager
def bulk(settings: Settings) -> Iterator[Bulk]:
    """A `Bulk` on a connection of its own, rolled back unless committed."""
    connection = connect(libpq_uri(settings))
    try:
        session = Bulk(connection)
        session.run("SET timezone = 'UTC'", "SET client_encoding = 'UTF8'")
        yield session
    finally:
        with suppress(psycopg.Error):  # of a server that went away; the transaction has ended either way
            connection.close()


@contextmanager
def _without_values() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise BulkError(error.sqlstate or "08000") from None
