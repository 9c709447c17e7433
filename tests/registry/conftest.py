"""A server of a test's own, for tests that start, stop or kill it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from huxin.registry import embedded
from huxin.settings import Settings

Query = Callable[..., list[tuple[object, ...]]]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder as initdb leaves it, but for fsync: to copy, which is quicker than to make."""
    settings = Settings(home=tmp_path_factory.mktemp("made"))
    server = embedded.ensure_started(settings)
    with psycopg.connect(server.uri("postgres"), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
    embedded.stop(settings)
    return server.data_dir


@pytest.fixture
def own(made: Path, tmp_path: Path) -> Iterator[Settings]:
    """A home where nothing runs yet; whatever is started there ends with the test."""
    settings = Settings(home=tmp_path / "home")
    settings.postgres_dir.mkdir(parents=True, mode=0o700)
    shutil.copytree(made, settings.postgres_dir / "data")
    yield settings
    embedded.stop(settings)


@pytest.fixture
def query() -> Query:
    """Runs one statement on a database of a server and returns its rows."""

    def run(server: embedded.Server, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        with psycopg.connect(server.uri(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    return run
