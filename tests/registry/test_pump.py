"""The pump before the server: everything passes, much is held, and nobody else may use it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pyarrow as pa
import pytest
from adbc_driver_manager import Error as DriverError
from adbc_driver_postgresql import dbapi

from huxin.registry import embedded
from huxin.registry.pump import pumped


@contextmanager
def connected(uri: str) -> Iterator[dbapi.Cursor]:
    """A cursor on a connection of its own."""
    with closing(dbapi.connect(uri)) as connection, closing(connection.cursor()) as cursor:
        yield cursor


CONNECT = "import sys; from adbc_driver_postgresql import dbapi; dbapi.connect(sys.argv[1]).close()"


def test_statements_and_much_data_pass_both_ways(server: embedded.Server) -> None:
    data = pa.table({"number": range(60), "said": ["x" * 3_000_000] * 60})
    with pumped(server.uri("postgres")) as uri, connected(uri) as cursor:
        cursor.execute("CREATE TEMPORARY TABLE pumped (number bigint, said text)")
        cursor.adbc_ingest("pumped", data, mode="append", temporary=True)
        cursor.execute("SELECT number, said FROM pumped ORDER BY number")
        assert cursor.fetch_arrow_table().equals(data)


def test_another_process_is_turned_away(server: embedded.Server) -> None:
    command = [sys.executable, "-c", CONNECT]
    with pumped(server.uri("postgres")) as uri:
        assert subprocess.run([*command, uri], capture_output=True, check=False).returncode != 0
        dbapi.connect(uri).close()
    assert (
        subprocess.run([*command, server.uri("postgres")], capture_output=True, check=False).returncode == 0
    )


def test_a_backend_that_dies_ends_the_connection(server: embedded.Server) -> None:
    with pumped(server.uri("postgres")) as uri, connected(uri) as cursor:
        cursor.execute("SELECT pg_backend_pid() AS pid")
        pid = cursor.fetch_arrow_table()["pid"][0].as_py()
        with psycopg.connect(server.uri("postgres"), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        with pytest.raises(DriverError):
            cursor.execute("SELECT 1")


def test_nothing_is_left_when_it_ends(server: embedded.Server) -> None:
    before = set(threading.enumerate())
    with pumped(server.uri("postgres")) as uri:
        dbapi.connect(uri).close()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()
    with pytest.raises(DriverError):
        dbapi.connect(uri)


def test_a_server_on_tcp_is_left_alone() -> None:
    with pumped("postgresql://huxin@127.0.0.1:5432/huxin") as uri:
        assert uri == "postgresql://huxin@127.0.0.1:5432/huxin"
