"""An API on a fresh registry with three members, an operator and an auditor, and clients that hold their keys."""

from __future__ import annotations

from typing import Any

import pytest
from api_world import SCOPES, World, new_holder

from huxin.api.app import create_app
from huxin.api.shell import Config
from huxin.registry.members import add_members, find_member, set_status
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy import keyring


@pytest.fixture
def ready(settings: Settings) -> Settings:
    """Settings of a home with keyrings."""
    settings.keys_dir.mkdir(parents=True)
    for zone in keyring.ZONES:
        keyring.create(settings.keys_dir, zone)
    return settings


@pytest.fixture
def world(ready: Settings) -> Any:
    """The app, and one holder a role of the table of routes and roles."""
    with connection(ready) as database:
        names = [("M0001", "甲公司"), ("M0002", "乙公司"), ("M0003", "丙公司")]
        add_members(database, names, ready.now())
        set_status(database, "M0003", "suspended")
        ids = {}
        for code, _ in names:
            found = find_member(database, code)
            assert found
            ids[code] = found.id
        holders = {
            "member": new_holder(database, ready, "member", ids["M0001"], "M0001", SCOPES),
            "member_without_scope": new_holder(database, ready, "member", ids["M0002"], "M0002", ()),
            "suspended": new_holder(database, ready, "member", ids["M0003"], "M0003", SCOPES),
            "operator": new_holder(database, ready, "operator", 0, "ops", SCOPES),
            "auditor": new_holder(database, ready, "auditor", 0, "eyes", SCOPES),
        }
    app = create_app(ready, Config(recheck_seconds=0))
    app.testing = True
    yield World(app, ready, holders)
    app.extensions["huxin"].live.close()
