"""/metrics: by route, and for whom."""

from __future__ import annotations

from dataclasses import replace

import pytest
from api_world import World, code_of


def test_requests_are_counted_by_route_and_never_by_path(world: World) -> None:
    world.call("GET", "/healthz")
    world.call("GET", "/v1/enquiries/01890000-0000-7000-8000-000000000000", world.token("member"))
    world.call("GET", "/nowhere/at/all")
    world.call("BREW", "/healthz")
    text = world.call("GET", "/metrics").text
    assert 'huxin_request_seconds_count{method="GET",route="/healthz",status="200"} 1.0' in text
    assert 'route="/v1/enquiries/<' in text
    assert 'huxin_request_seconds_count{method="-",route="-",status="404"} 1.0' in text
    assert "nowhere" not in text
    assert "BREW" not in text
    assert "M0001" not in text


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("127.8.8.8", {}, 200),
        ("::1", {}, 200),
        ("10.0.0.7", {}, 403),
        ("", {}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, 403),
    ],
)
def test_without_a_token_it_is_for_this_machine(
    world: World, address: str, headers: dict[str, str], status: int
) -> None:
    response = world.call("GET", "/metrics", headers=headers, environ_overrides={"REMOTE_ADDR": address})
    assert response.status_code == status
    assert status == 200 or code_of(response) == "H1127"


@pytest.mark.parametrize(
    ("said", "status"), [("Bearer s3cret", 200), ("Bearer s3cre", 403), ("Bearer é", 403), (None, 403)]
)
def test_with_a_token_it_is_for_its_holder(world: World, said: str | None, status: int) -> None:
    shell = world.app.extensions["huxin"]
    world.app.extensions["huxin"] = replace(shell, config=replace(shell.config, metrics_token="s3cret"))
    headers = {"Authorization": said} if said else {}
    assert world.call("GET", "/metrics", headers=headers).status_code == status
    assert "s3cret" not in repr(world.app.extensions["huxin"])
