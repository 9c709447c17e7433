"""An API on a fresh registry with three members, an operator and an auditor, and clients that hold their keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from api_world import SCOPES, Holder, World, new_holder

from huxin.api.app import create_app
from huxin.api.shell import Config
from huxin.api.zone_members import create_entry_app
from huxin.registry.members import add_members, find_member, set_status
from huxin.registry.session import connection, forget_engine
from huxin.settings import Settings
from huxin_privacy import keyring
from support.logins import as_login
from support.zones import Split


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pool opens one connection after the other, and eight at once may take a busy machine seconds."""
    monkeypatch.setattr("huxin.registry.live._WAIT_S", 60.0)


@pytest.fixture
def ready(settings: Settings) -> Settings:
    """Settings of a home with keyrings."""
    settings.keys_dir.mkdir(parents=True)
    for zone in keyring.ZONES:
        keyring.create(settings.keys_dir, zone)
    return settings


@pytest.fixture
def one_world(ready: Settings) -> Iterator[World]:
    """The app, and one holder a role of the table of routes and roles."""
    yield from _world(ready)


@pytest.fixture
def world(one_world: World) -> World:
    """The same; test_api_enquiries.py has both."""
    return one_world


@pytest.fixture
def zoned_world(split: Split) -> Iterator[World]:
    """The same where the platform is split: the registry zone's app, and the entry zone's for tickets."""
    entry = create_entry_app(split.entry, Config(recheck_seconds=0))
    entry.testing = True
    yield from (replace(each, entry=entry) for each in _world(split.registry))
    entry.extensions["huxin"].live.close()


def _world(settings: Settings) -> Iterator[World]:
    # Under a login that owns nothing, as it is deployed; `world.settings` are the owner's.
    apps_own = replace(settings, database_url=as_login(settings))
    app = create_app(apps_own, Config(recheck_seconds=0))
    app.testing = True
    yield World(app, settings, _holders(settings))
    app.extensions["huxin"].live.close()
    forget_engine(apps_own)


def _holders(settings: Settings) -> dict[str, Holder]:
    with connection(settings) as database:
        names = [("M0001", "甲公司"), ("M0002", "乙公司"), ("M0003", "丙公司")]
        add_members(database, names, settings.now())
        set_status(database, "M0003", "suspended")
        ids = {}
        for code, _ in names:
            found = find_member(database, code)
            assert found
            ids[code] = found.id
        return {
            "member": new_holder(database, settings, "member", ids["M0001"], "M0001", SCOPES),
            "member_without_scope": new_holder(database, settings, "member", ids["M0002"], "M0002", ()),
            "suspended": new_holder(database, settings, "member", ids["M0003"], "M0003", SCOPES),
            "operator": new_holder(database, settings, "operator", 0, "ops", SCOPES),
            "auditor": new_holder(database, settings, "auditor", 0, "eyes", SCOPES),
        }
