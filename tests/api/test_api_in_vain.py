"""Over HTTP: reservations stand on applications, and nobody tries for an amount again and again."""

from __future__ import annotations

from typing import Any

import pytest
from api_world import SCOPES, World, code_of, new_holder
from sqlalchemy import text
from test_api_enquiries import ask, reserve

from huxin.registry.session import connection


def with_another(world: World) -> None:
    with connection(world.settings) as database:
        member_id = world.holders["member_without_scope"].member_id
        world.holders["other"] = new_holder(database, world.settings, "member", member_id, "M0002", SCOPES)


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
    with_another(world)
    assert reserve(world, "other", ask(world, "other").json["enquiry_id"]).status_code == 201


@pytest.mark.parametrize("purpose", ["guarantee", "post_loan"])
def test_another_purpose_bears_no_reservation(world: World, purpose: str) -> None:
    asked = ask(world, "member", purpose=purpose).json["enquiry_id"]
    refused = reserve(world, "member", asked)
    assert (refused.status_code, code_of(refused)) == (409, "H1223")


def test_who_sees_no_amounts_finds_out_others_by_no_amount_that_it_asks_with(world: World) -> None:
    """45,000 yuan are held against the cap of 200,000, and not the 41,234.56 that another has promised."""
    with_another(world)
    assert (
        reserve(world, "member", ask(world, "member").json["enquiry_id"], amount="41234.56").status_code
        == 201
    )
    assert ask(world, "other", amount="158765.44").json["outcome"] == "refer", "STACKING alone"
    with connection(world.settings) as database:
        database.execute(text("UPDATE member SET created_at = '2026-01-01', as_of_date = '2026-04-01'"))
    quiet = ask(world, "other", amount="155000.00").json
    # Both are only referred, for another's promise weighs no more; nothing tells them apart but a grant.
    assert (quiet["tier"], quiet["outcome"]) == ("query_only", "refer")
    assert code_of(reserve(world, "other", quiet["enquiry_id"], amount="155000.01")) == "H1212"
    assert reserve(world, "other", quiet["enquiry_id"], amount="155000.00").status_code == 201
