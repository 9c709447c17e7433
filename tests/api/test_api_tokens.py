"""POST /oauth/token and what an access token is good for: everything that is not quite right is refused."""

from __future__ import annotations

from typing import Any

from api_world import World, code_of


def test_a_member_gets_a_token_and_learns_who_it_is(world: World) -> None:
    said = world.call("GET", "/v1/whoami", world.token("member")).json
    assert said["holder"] == "M0001"
    assert said["member"]["status"] == "active"
