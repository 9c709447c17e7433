"""What tests share: one embedded server a run, and a fresh migrated database for each test that asks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import hypothesis
import psycopg
import pytest
from sqlalchemy import Engine

from huxin.registry import connect, embedded, embedded_start, migrate
from huxin.settings import Settings
from support.zones import Split, made, served

EVENING = datetime.fromisoformat("2026-05-31T22:00:00+08:00")
TEMPLATE = "migrated"
_numbers = itertools.count(1)


def pytest_configure() -> None:
    """No test is held to Hypothesis's 200 ms an example, nor to a second for the making of its first ten.

    On a busy machine they tell nothing of the code.
    """
    slow = [hypothesis.HealthCheck.too_slow]
    hypothesis.settings.register_profile(
        "patient", parent=hypothesis.settings(), deadline=None, suppress_health_check=slow
    )
    hypothesis.settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def _haste() -> Iterator[None]:
    """No data folder of a test need outlive a power cut."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded_start, "INITDB_OPTIONS", [*embedded_start.INITDB_OPTIONS, "--no-sync"])
        yield


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Server]:
    """One server for the whole run, in a home of its own."""
    owner = Settings(home=tmp_path_factory.mktemp("server"))
    started = embedded.ensure_started(owner)
    # Databases are made and dropped by the hundred, and none of them need outlive a power cut.
    _execute(started, "ALTER SYSTEM SET fsync = off")
    _execute(started, "SELECT pg_reload_conf()")
    yield started
    embedded.stop(owner)


@pytest.fixture(scope="session")
def template(server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A migrated database that nobody connects to, to make others from."""
    embedded.ensure_database(server, TEMPLATE)
    migrate.upgrade(Settings(home=tmp_path_factory.mktemp("template"), database_url=server.url(TEMPLATE)))
    return TEMPLATE


@pytest.fixture
def settings(server: embedded.Server, template: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings with a home of their own and a fresh migrated database, on the evening of 2026-05-31."""
    name = f"test_{next(_numbers)}"
    _execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield Settings(home=tmp_path / "home", database_url=server.url(name), fixed_now=EVENING)
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def split(server: embedded.Server, template: str, tmp_path: Path) -> Iterator[Split]:
    """A platform split into zones, with fresh migrated databases for two of them and their ports at work."""
    with _split(server, template, tmp_path) as whole:
        yield whole


@pytest.fixture(scope="module")
def shared_split(
    server: embedded.Server, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Split]:
    """The same for all tests of a module."""
    with _split(server, template, tmp_path_factory.mktemp("split")) as whole:
        yield whole


@contextmanager
def _split(server: embedded.Server, template: str, folder: Path) -> Iterator[Split]:
    names = [f"test_{next(_numbers)}" for _ in range(2)]
    for name in names:
        _execute(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    with served(made(folder / "zones", *map(server.url, names), EVENING)) as whole:
        yield whole
    for name in names:
        _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_settings(server: embedded.Server, tmp_path: Path) -> Iterator[Settings]:
    """The same with an empty database, not yet migrated."""
    name = f"test_{next(_numbers)}"
    _execute(server, f"CREATE DATABASE {name}")
    yield Settings(home=tmp_path / "home", database_url=server.url(name), fixed_now=EVENING)
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    """An engine on the database of `settings`."""
    made = connect.engine(settings)
    yield made
    made.dispose()


def _execute(server: embedded.Server, statement: str) -> None:
    with psycopg.connect(server.uri("postgres"), autocommit=True) as connection:
        connection.execute(statement)
