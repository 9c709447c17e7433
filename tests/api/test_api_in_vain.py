"""Over HTTP: reservations stand on applications, and nobody tries for an amount again and again."""

from __future__ import annotations

from typing import Any

import pytest
from api_world import World
from test_api_enquiries import ask, code_of, reserve


def given_back(world: World, held: Any) -> None:
    path = f"/v1/reservations/{held.json['reservation_id']}/release"
    assert world.call("POST", path, world.token("member")).json["state"] == "released"


def test_five_in_vain_are_the_last(world: World) -> None:
    for place in range(5):
        amount = ("200000.01", "100.00")[place % 2]
        held = reserve(world, "member", ask(world, "member").json["enquiry_id"], amount=amount)
        if place % 2:
            given_back(world, held)
        else:
            assert code_of(held) == "H1212"
    refused = reserve(world, "member", ask(world, "member").json["enquiry_id"], amount="100.00")
    assert (refused.status_code, code_of(refused)) == (409, "H1224")
    assert refused.json["facts"] == {"limit": 5, "hours": 168}
    assert "168" in refused.json["detail"]
    assert ask(world, "member").status_code == 200, "asking is another matter"
    assert reserve(world, "other", ask(world, "other").json["enquiry_id"]).status_code == 201


@pytest.mark.parametrize("purpose", ["guarantee", "post_loan"])
def test_another_purpose_bears_no_reservation(world: World, purpose: str) -> None:
    asked = ask(world, "member", purpose=purpose).json["enquiry_id"]
    refused = reserve(world, "member", asked)
    assert (refused.status_code, code_of(refused)) == (409, "H1223")
