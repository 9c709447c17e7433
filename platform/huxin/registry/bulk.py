"""One transaction over Arrow: COPY in, set-based SQL, Arrow out, on a single connection (ADBC over libpq)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pyarrow as pa
from adbc_driver_manager import AdbcStatusCode
from adbc_driver_manager import Error as DriverError
from adbc_driver_postgresql import dbapi

from huxin.errors import HuxinError
from huxin.registry.connect import adbc_uri, gone
from huxin.registry.pump import pumped
from huxin.settings import Settings

CONTENDED = ("23505", "40P01")  # unique violation, deadlock: another load was at the same tokens
_CANCELED = "57014"


class BulkError(HuxinError):
    """A statement failed (H0501), or the server went away (H0502).

    Only the SQLSTATE is kept: the server's text may quote a row.
    """

    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate
        super().__init__("H0502" if gone(sqlstate) else "H0501", sqlstate=sqlstate)


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
        told: list[Exception] = []
        watched = _watched(data, told) if isinstance(data, pa.RecordBatchReader) else data
        try:
            with _without_values():
                return int(self._cursor.adbc_ingest(table, watched, mode="append", temporary=temporary))
        except BulkError:
            if told:
                raise told[0] from None  # the driver knows only that its rows ended badly
            raise

    def commit(self) -> None:
        with _without_values():
            self._connection.commit()


def _watched(data: pa.RecordBatchReader, told: list[Exception]) -> pa.RecordBatchReader:
    """The same rows; an exception that ends them early is kept in `told`."""

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from data
        except Exception as error:
            told.append(error)
            raise

    return pa.RecordBatchReader.from_batches(data.schema, batches())


@contextmanager
def bulk(settings: Settings) -> Iterator[Bulk]:
    """A `Bulk` on a connection of its own, rolled back unless committed."""
    with pumped(adbc_uri(settings)) as uri:
        with _without_values():
            connection = dbapi.connect(uri, autocommit=False)
        try:
            session = Bulk(connection)
            session.run("SET timezone = 'UTC'")
            yield session
        finally:
            with suppress(DriverError):  # of a server that went away; the transaction has ended either way
                connection.close()


@contextmanager
def _without_values() -> Iterator[None]:
    try:
        yield
    except DriverError as error:
        # The driver takes Ctrl-C for itself while a statement runs, and cancels that statement.
        if error.sqlstate == _CANCELED or error.status_code == AdbcStatusCode.CANCELLED:
            raise KeyboardInterrupt from None
        raise BulkError(error.sqlstate or "08000") from None
