"""What is done to a reservation is promised to the log at once, and its answer can be checked offline by that."""

from __future__ import annotations

from typing import Any

import pytest
from api_world import World
from sqlalchemy import text
from test_api_enquiries import ask, reserve

from huxin.audit.notes import log_keys
from huxin.registry.sequencing import drain
from huxin.registry.session import connection
from huxin_privacy import keyring
from huxin_privacy.errors import PrivacyError
from huxin_privacy.promises import UNRECORDED, verify_told

THEN = "2026-06-30T00:00:00.000Z"
OTHER = {"state": "ended", "amount": " 20_000.00", "expires_at": THEN, "granted_at": THEN, "changed_at": THEN}


def done(world: World) -> dict[str, dict[str, Any]]:
    """The answer to each act, as it was told."""
    token, asked = world.token("member"), ask(world, "member").json["enquiry_id"]
    first, second = (reserve(world, "member", asked).json for _ in range(2))
    path = "/v1/reservations/{}/{}"
    converted = world.call(
        "POST", path.format(first["reservation_id"], "convert"), token, json={"loan_no": "L-1"}
    )
    released = world.call("POST", path.format(second["reservation_id"], "release"), token)
    return {"granted": first, "converted": converted.json, "released": released.json}


def test_an_act_proves_itself_and_its_receipt_is_of_the_same_record(world: World) -> None:
    keys = log_keys(keyring.open(world.settings.keys_dir, "audit")).verifiers
    answers = done(world)
    drain(world.settings)
    for act, told in answers.items():
        found = verify_told(told, keys)
        assert (found.answered, f"reservation.{act}" in found.record) == (True, True)
        path = f"/v1/reservations/{told['reservation_id']}/receipt?act={act}"
        receipt = world.call("GET", path, world.token("member")).json
        assert (receipt["record"], receipt["salt"]) == (found.record, told["promise"]["salt"])


def test_another_answer_is_not_the_promised_one(world: World) -> None:
    """Whatever is changed, left out or added; but the three that no leaf keeps: enquiry, loan and contract number."""
    keys = log_keys(keyring.open(world.settings.keys_dir, "audit")).verifiers
    answers = done(world)
    for act, told in answers.items():
        wrong = [told | {name: OTHER.get(name, "x")} for name in told if name not in UNRECORDED]
        wrong += [
            {key: value for key, value in told.items() if key != name}
            for name in told
            if name not in UNRECORDED
        ]
        wrong += [told | {"outcome": "eligible"}, told | {"enquiry_id": None}]
        wrong += [told | {"loan_no": "L-2"}, told | {"contract_no": "C-2"}] if act != "converted" else []
        wrong += [told | {"promise": other["promise"]} for name, other in answers.items() if name != act]
        for each in wrong:
            with pytest.raises(PrivacyError) as caught:
                verify_told(each, keys)
            assert caught.value.code in ("P0149", "P0140"), (act, each)
    assert verify_told(answers["granted"] | {"state": "expired"}, keys).answered


def test_a_promise_is_the_same_whenever_it_is_told(world: World) -> None:
    """Whoever lost the answer has lost no promise: while the act waits to be numbered, and when it is."""
    token, asked = world.token("member"), ask(world, "member").json["enquiry_id"]
    held = reserve(world, "member", asked, "hold-0001").json
    path, converting = f"/v1/reservations/{held['reservation_id']}", {"json": {"contract_no": "C-1"}}
    for _ in range(2):
        assert reserve(world, "member", asked, "hold-0001").json == held
        assert world.call("GET", path, token).json == held
        drain(world.settings)
    converted = world.call("POST", f"{path}/convert", token, **converting).json
    for _ in range(2):
        assert world.call("POST", f"{path}/convert", token, **converting).json == converted
        assert reserve(world, "member", asked, "hold-0001").json == converted
        drain(world.settings)


def test_where_the_night_ended_it_or_the_leaf_was_erased_nothing_is_promised(world: World) -> None:
    token, asked = world.token("member"), ask(world, "member").json["enquiry_id"]
    first, second = (reserve(world, "member", asked).json["reservation_id"] for _ in range(2))
    drain(world.settings)
    with connection(world.settings) as database:
        database.execute(text("UPDATE reservation SET state = 4 WHERE id = :id"), {"id": first})
        erase = "UPDATE audit_leaf SET salt = NULL, record = NULL, erased_at = now() WHERE record_id = :id"
        database.execute(text(erase), {"id": second})
    for held in (first, second):
        assert world.call("GET", f"/v1/reservations/{held}", token).json["promise"] is None
