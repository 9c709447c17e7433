"""One registry a module, served from a process of the tests' own that is started when a test first needs it up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from edge_world import EVENING, Platform, platform_on

from huxin.registry import embedded
from huxin.settings import Settings
from support.ports import free_port


@pytest.fixture(scope="module")
def shared(
    server: embedded.Server,
    template: str,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Platform]:
    """The registry with its members; nothing serves it yet."""
    name = request.module.__name__.rpartition(".")[2]
    folder = tmp_path_factory.mktemp(name)
    with psycopg.connect(server.uri("postgres"), autocommit=True) as database:
        database.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        settings = Settings(home=folder / "home", database_url=server.url(name), fixed_now=EVENING)
        with platform_on(settings, folder) as made:
            yield made
        database.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def platform(shared: Platform) -> Platform:
    """Served."""
    if not shared.family:
        shared.start()
    return shared


@pytest.fixture
def away(shared: Platform, tmp_path: Path) -> Iterator[Platform]:
    """The same registry behind an address where nobody listens, until it is started there."""
    made = replace(shared, folder=tmp_path, port=free_port(), family=[])
    yield made
    made.kill()
