"""Two members with keys at an API that is treated badly: in this process, or as a server of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from api.api_world import SCOPES, World, new_holder
from huxin.api.app import create_app
from huxin.api.shell import Config
from huxin.ids import new_id
from huxin.registry.members import add_members, find_member
from huxin.registry.session import connection, forget_engine
from huxin.settings import Settings
from huxin_privacy import keyring

ME, OTHER = "M0001", "M0002"
NUMBER = "11010519491231002X"
BODY: dict[str, Any] = {
    "subject": {"id_type": "resident_id", "id_no": NUMBER},
    "purpose": "application",
    "amount": "20000.00",
    "product": "consumer",
    "consent_no": "SQ2026030001",
    "consent_until": "2027-03-24",
    "staff": "S-17",
    "reference": "case-1",
}


@contextmanager
def worlds(settings: Settings, config: Config | None = None) -> Iterator[World]:
    """The app on a registry with members ME and OTHER, who hold every scope."""
    if not settings.keys_dir.exists():
        settings.keys_dir.mkdir(parents=True)
        for zone in keyring.ZONES:
            keyring.create(settings.keys_dir, zone)
    with connection(settings) as database:
        add_members(database, [(ME, "甲公司"), (OTHER, "乙公司")], settings.now())
        holders = {}
        for code in (ME, OTHER):
            found = find_member(database, code)
            assert found
            holders[code] = new_holder(database, settings, "member", found.id, code, SCOPES)
    app = create_app(settings, replace(config or Config(), recheck_seconds=0))
    yield World(app, settings, holders)
    app.extensions["huxin"].live.close()
    if "huxin_desk" in app.extensions:
        app.extensions["huxin_desk"].close()
    forget_engine(settings)


def ask(world: World, token: str, key: str | None = None, **changes: Any) -> Any:
    """One enquiry."""
    headers = {"Idempotency-Key": key or str(new_id())}
    return world.call("POST", "/v1/enquiries", token, headers, json=BODY | changes)


def reserve(world: World, token: str, enquiry_id: str, key: str | None = None, **more: Any) -> Any:
    """One reservation of one hundred yuan."""
    headers = {"Idempotency-Key": key or str(new_id())}
    body = {"enquiry_id": enquiry_id, "amount": "100.00", "product": "consumer"} | more
    return world.call("POST", "/v1/reservations", token, headers, json=body)
