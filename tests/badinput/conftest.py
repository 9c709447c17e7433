"""One registry a module: a night of many bad files costs seconds, and each test looks at one of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from bad_world import EVENING

from huxin.registry import embedded
from huxin.settings import Settings


@pytest.fixture(scope="module")
def shared(
    server: embedded.Server,
    template: str,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Settings]:
    """Settings with a home and a migrated database that the tests of one module share."""
    name = f"bad_{request.module.__name__.rpartition('.')[2]}"
    with psycopg.connect(server.uri("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        home = tmp_path_factory.mktemp(name) / "home"
        yield Settings(home=home, database_url=server.url(name), fixed_now=EVENING)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """An empty inbox."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder
