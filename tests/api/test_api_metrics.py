"""/metrics: by route, and for whom."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest
from api_world import World, code_of

from huxin.api import metrics
from huxin.errors import HuxinError
from huxin.registry.connect import libpq_uri


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


def test_alarms_that_go_on_are_told_by_kind_and_state_and_of_nobody(world: World) -> None:
    with psycopg.connect(libpq_uri(world.settings), autocommit=True) as database:
        for number, state in enumerate(("open", "open", "acknowledged", "closed")):
            database.execute(
                "INSERT INTO alarm (member_id, id, kind, about, window_from, window_until, figures, first_seen, "
                "last_seen, state) VALUES (1, gen_random_uuid(), 'repeated', %s, '2026-05-31', '2026-05-31', '{}', "
                "now(), now(), %s)",
                (f"subject {number}", state),
            )
        database.execute("INSERT INTO guard_run VALUES ('repeated', '2026-05-31T22:00:00+08:00')")
    text = world.call("GET", "/metrics").text
    assert 'huxin_alarms{kind="repeated",state="open"} 2.0' in text
    assert 'huxin_alarms{kind="repeated",state="acknowledged"} 1.0' in text
    assert "closed" not in text
    assert "subject" not in text
    assert "huxin_guard_looked_at_seconds 1.780236e+09" in text
    assert "huxin_request_seconds" in text


def test_while_the_registry_is_away_requests_are_told_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise HuxinError("H0502")

    world.call("GET", "/healthz")
    monkeypatch.setattr(metrics, "guard_gauges", away)
    response = world.call("GET", "/metrics")
    assert response.status_code == 200
    assert "huxin_request_seconds_count" in response.text
    assert "huxin_alarms" not in response.text
