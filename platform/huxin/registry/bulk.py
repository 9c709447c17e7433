"""One transaction over Arrow: COPY in, set-based SQL, Arrow out, on a single connection (ADBC over libpq)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from adbc_driver_manager import Error as DriverError
from adbc_driver_postgresql import dbapi

from huxin.errors import HuxinError
from huxin.registry.connect import adbc_uri
from huxin.settings import Settings

UNIQUE_VIOLATION = "23505"


class BulkError(HuxinError):
    """A statement failed. Only the SQLSTATE is kept: the server's text may quote a row."""

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate
        super().__init__("H0501", sqlstate=sqlstate)


class Bulk:
    """A connection in one transaction; nothing is visible to others before `commit`."""

    def __init__(self, connection: dbapi.Connection) -> None:
        self._connection = connection
        self._cursor = connection.cursor()

    def run(self, *statements: str) -> None:
        """Executes statements that return nothing. Raises BulkError."""
        with _without_values():
            for statement in statements:
                self._cursor.execute(statement)

    def rows(self, query: str) -> pa.Table:
        """The query's result as an Arrow table. Raises BulkError."""
        with _without_values():
            self._cursor.execute(query)
            return self._cursor.fetch_arrow_table()

    def copy(self, table: str, data: pa.RecordBatchReader | pa.Table, temporary: bool = False) -> int:
        """COPYs rows to the end of a table, columns by name; returns how many. Raises BulkError."""
        with _without_values():
            return int(self._cursor.adbc_ingest(table, data, mode="append", temporary=temporary))

    def commit(self) -> None:
        with _without_values():
            self._connection.commit()


@contextmanager
def bulk(settings: Settings) -> Iterator[Bulk]:
    """A `Bulk` on a connection of its own, rolled back unless committed."""
    with _without_values():
        connection = dbapi.connect(adbc_uri(settings), autocommit=False)
    try:
        session = Bulk(connection)
        session.run("SET timezone = 'UTC'")
        yield session
    finally:
        connection.close()


@contextmanager
def _without_values() -> Iterator[None]:
    try:
        yield
    except DriverError as error:
        raise BulkError(error.sqlstate or "08000") from None
