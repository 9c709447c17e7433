"""A console on a fresh registry, and for those who ask, one that is served and a browser before it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from console_world import Clock, Console

from huxin.console import credentials, member
from huxin.console.app import create_console
from huxin.console.config import Config
from huxin.enquiry.desk import Desk
from huxin.registry.members import add_members, find_member
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy import keyring


@pytest.fixture(autouse=True)
def _haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords of tests are worth little: one pass over 8 KiB. A served console is another process."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(credentials, "_hasher", lambda: quick)
    credentials._nobody.cache_clear()


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Desks end with their test: each would go on looking for its dropped database every second."""
    opened: list[Desk] = []

    class Kept(Desk):
        def __init__(self, settings: Settings) -> None:
            super().__init__(settings)
            opened.append(self)

    monkeypatch.setattr(member, "Desk", Kept)
    yield
    for each in opened:
        each.close()


@pytest.fixture
def console(settings: Settings) -> Console:
    """The app, and nobody who has joined yet."""
    settings.keys_dir.mkdir(parents=True)
    keyring.create(settings.keys_dir, "audit")
    members = {}
    with connection(settings) as database:
        add_members(database, [("M0001", "甲公司"), ("M0002", "乙公司")], settings.now())
        for code in ("M0001", "M0002"):
            found = find_member(database, code)
            assert found
            members[code] = found.id
    clock = Clock()
    return Console(create_console(settings, Config(clock=clock)), settings, clock, members)
