"""Towns on registries of their own: one a test, and one a module for what takes long to build."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from guard_world import TODAY, Town, moment

from huxin.registry import embedded
from huxin.registry.session import forget_engine
from huxin.settings import Settings
from huxin_privacy import keyring

MEMBERS = 12
_numbers = count(1)


def _peopled(settings: Settings) -> Town:
    settings.keys_dir.mkdir(mode=0o700, parents=True)
    for zone in keyring.ZONES:
        keyring.create(settings.keys_dir, zone)
    town = Town(settings)
    town.run(
        "INSERT INTO member (id, code, name, created_at) SELECT n, 'M' || n, 'M', '2026-05-01' "
        f"FROM generate_series(1, {MEMBERS}) n"
    )
    return town


@pytest.fixture
def town(settings: Settings) -> Iterator[Town]:
    """Members M1 to M12, who have neither asked nor reported."""
    yield _peopled(settings)
    forget_engine(settings)


@pytest.fixture(scope="module")
def old_town(
    server: embedded.Server, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    """The same, for the tests of a module together."""
    name = f"guard_{next(_numbers)}"
    with psycopg.connect(server.uri("postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    home: Path = tmp_path_factory.mktemp("guard") / "home"
    settings = Settings(home=home, database_url=server.url(name), fixed_now=moment(TODAY, 22))
    yield _peopled(settings)
    forget_engine(settings)
    with psycopg.connect(server.uri("postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
