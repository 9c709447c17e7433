"""Over HTTP: what two processes do to one reservation at once is told as it is, and each act has its own receipt."""

from __future__ import annotations

import json
from typing import Any

import pytest
from api_world import World, code_of
from test_api_enquiries import ask, reserve

from huxin.audit.notes import log_keys
from huxin.registry import reservations
from huxin.registry.sequencing import drain
from huxin_privacy import keyring
from huxin_privacy.promises import verify_told


@pytest.fixture
def path(one_world: World) -> str:
    held = reserve(one_world, "member", ask(one_world, "member").json["enquiry_id"]).json["reservation_id"]
    return f"/v1/reservations/{held}"


@pytest.fixture
def world(one_world: World) -> World:
    return one_world


STATES = {"release": "released", "convert": "converted"}


def post(world: World, path: str, **said: str) -> Any:
    return world.call("POST", path, world.token("member"), **({"json": said} if said else {}))


def receipt(world: World, path: str, act: str = "") -> Any:
    return world.call("GET", f"{path}/receipt" + (f"?act={act}" if act else ""), world.token("member"))


@pytest.mark.parametrize(("act", "said"), [("release", {}), ("convert", {"loan_no": "JJ2"})])
def test_an_act_beside_another_is_promised_as_it_is_told(
    world: World, path: str, monkeypatch: pytest.MonkeyPatch, act: str, said: dict[str, str]
) -> None:
    """It has looked at the reservation; before it writes, another process converts."""
    real = getattr(reservations, act)

    def slow(*values: Any) -> bool:
        monkeypatch.setattr(reservations, act, real)
        assert post(world, f"{path}/convert", loan_no="JJ1").status_code == 200
        return bool(real(*values))

    monkeypatch.setattr(reservations, act, slow)
    told = post(world, f"{path}/{act}", **said).json
    assert (told["state"], told["loan_no"]) == (STATES[act], said.get("loan_no"))
    keys = log_keys(keyring.open(world.settings.keys_dir, "audit")).verifiers
    assert verify_told(told, keys).answered
    assert told == world.call("GET", path, world.token("member")).json


def test_a_receipt_is_of_the_last_time_an_act_was_done(world: World, path: str) -> None:
    post(world, f"{path}/convert", loan_no="JJ1")
    drain(world.settings)
    assert receipt(world, path, "converted").status_code == 200
    right = post(world, f"{path}/convert", loan_no="JJ2").json
    post(world, f"{path}/release")
    for act in ("converted", "released", ""):
        soon = receipt(world, path, act)
        assert (soon.status_code, code_of(soon), "Retry-After" in soon.headers) == (404, "H1302", True)
    assert receipt(world, path, "granted").status_code == 200
    drain(world.settings)
    assert json.loads(receipt(world, path, "converted").json["record"])["at"] == right["changed_at"]
    assert json.loads(receipt(world, path).json["record"])["topic"] == "reservation.released"
    never = receipt(world, path, "ended")
    assert (code_of(never), "Retry-After" in never.headers) == ("H1302", False)
