"""What is no caller's fault: a lost database, a missing key, a fault of the program. Never told as "no record"."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest
from api_world import PLANTED, World, code_of
from sqlalchemy import text
from werkzeug.exceptions import BadGateway, ImATeapot
from werkzeug.test import TestResponse

from huxin.api.app import create_app
from huxin.api.problems import RETRY_S, documented
from huxin.api.routes import Route, add
from huxin.api.shell import Config
from huxin.enquiry import desk as enquiry_desk
from huxin.errors import HuxinError
from huxin.registry import live, policies
from huxin.registry.session import connection
from huxin.settings import Settings


@pytest.fixture
def lost(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same home with a database where nobody listens."""
    world.token("member")  # the connections of the one that is there are waited for as usual
    monkeypatch.setattr(live, "_WAIT_S", 0.2)
    away = replace(world.settings, database_url="postgresql://nobody:secret@127.0.0.1:9/none")
    return World(create_app(away, Config(recheck_seconds=0)), away, world.holders)


def test_a_lost_database_is_told_as_such(world: World, lost: World) -> None:
    token = world.token("member")
    for response in (
        lost.call("GET", "/v1/whoami", token),
        lost.call("POST", "/v1/enquiries", token, json={}),
        lost.call("GET", "/readyz"),
        lost.exchange(lost.assertion(lost.holders["member"])),
    ):
        assert response.status_code == 503
        assert code_of(response) == "H1101"
        assert response.headers["Retry-After"] == str(RETRY_S)
        assert "无记录" in response.json["detail"]
        assert not {"secret", "127.0.0.1", "nobody"} & set(response.text.split())
    lost.app.extensions["huxin"].live.close()


QUESTION = {
    "subject": {"id_type": "resident_id", "id_no": "11010519491231002X"},
    "purpose": "application",
    "consent_no": "SQ2026030001",
    "consent_until": "2027-03-24",
    "staff": "S-17",
    "reference": "case-1",
}


def put(world: World, key: str) -> TestResponse:
    return world.call("POST", "/v1/enquiries", world.token("member"), {"Idempotency-Key": key}, json=QUESTION)


def forget_desk(world: World) -> None:
    world.app.extensions.pop("huxin_desk").close()


def test_a_registry_that_is_held_up_is_told_as_such(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that is not given back: nobody waits for it without end, and the next try is answered."""
    with monkeypatch.context() as patch, connection(world.settings) as database:
        patch.setattr(live, "STATEMENT_S", 1)
        database.execute(text("LOCK TABLE loan"))
        held_up = put(world, "held-up-1")
        assert (held_up.status_code, code_of(held_up)) == (503, "H1101")
        assert held_up.headers["Retry-After"] == str(RETRY_S)
    forget_desk(world)  # and its connections of so little patience
    assert put(world, "held-up-1").status_code == 200
    forget_desk(world)


def test_who_gets_no_turn_is_told_to_come_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert put(world, "my-turn-1").status_code == 200
    monkeypatch.setattr(enquiry_desk, "PATIENCE_S", 0.05)
    together = world.app.extensions["huxin_desk"]._together
    taken, together._free = together._free, 0  # as while all lots are under way
    late = put(world, "my-turn-2")
    assert (late.status_code, code_of(late), late.headers["Retry-After"]) == (503, "H1101", "5")
    together._free = taken
    assert put(world, "my-turn-2").status_code == 200
    forget_desk(world)


def test_alive_is_not_ready(lost: World) -> None:
    assert lost.call("GET", "/healthz").json == {"status": "ok"}


def test_ready_says_what_is_missing(world: World) -> None:
    assert world.call("GET", "/readyz").json == {"status": "ok"}
    with connection(world.settings) as database:
        database.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert code_of(world.call("GET", "/readyz")) == "H1128"


def test_an_api_that_may_not_read_its_policies_is_not_ready(world: World) -> None:
    policies._read.clear()  # which are read once a day
    with connection(world.settings) as database:
        database.execute(text("REVOKE SELECT ON policy_change FROM huxin_app"))
    assert code_of(world.call("GET", "/readyz")) == "H1125"


def test_a_home_without_keys_is_not_ready(world: World, tmp_path: Path) -> None:
    bare = replace(world.settings, home=tmp_path / "bare")
    other = World(create_app(bare, Config()), bare, {})
    assert code_of(other.call("GET", "/readyz")) == "H1125"
    other.app.extensions["huxin"].live.close()


@pytest.fixture
def broken(settings: Settings) -> World:
    """An app with a route for each way of going wrong."""
    app = create_app(settings, Config())

    def raising(error: Exception) -> object:
        def view() -> None:
            raise error

        return view

    faults: dict[str, Exception] = {
        "value": ValueError(f"bad {PLANTED}"),
        "internal": HuxinError("H0316", revision=PLANTED),
        "lost": HuxinError("H0313", server="10.0.0.1:5432/huxin", reason="password of db-1"),
        "teapot": ImATeapot(PLANTED),
        "gone": BadGateway(PLANTED),
        "quota": HuxinError("H1123", purpose="application", limit=5, window_s=60, retry_s=17),
    }
    for name, error in faults.items():
        view = raising(error)
        view.__name__ = name  # type: ignore[attr-defined]  # a function
        add(app, Route("GET", f"/{name}", "x", "x"), view)  # type: ignore[arg-type]  # a function
    return World(app, settings, {})


def test_a_fault_of_ours_is_told_by_a_number_only(broken: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for name in ("value", "internal", "gone"):
            response = broken.call("GET", f"/{name}")
            assert (response.status_code, code_of(response)) == (500, "H1125")
            assert PLANTED not in response.text
            reference = response.json["facts"]["reference"]
            assert reference in response.json["detail"]
            assert reference in caplog.text
    assert PLANTED not in caplog.text
    assert "ValueError" in caplog.text
    assert "test_api_faults" in caplog.text, "the log says where"
    assert "H0316" in caplog.text


def test_where_the_database_stands_is_no_callers_business(broken: World) -> None:
    response = broken.call("GET", "/lost")
    assert code_of(response) == "H1101"
    assert "10.0.0.1" not in response.text


def test_what_flask_refuses_is_told_in_our_words(broken: World) -> None:
    response = broken.call("GET", "/teapot")
    assert code_of(response) == "H1126"
    assert response.status_code == 400
    assert PLANTED not in response.text


def test_a_quota_that_is_used_up_says_until_when(broken: World) -> None:
    response = broken.call("GET", "/quota")
    assert (response.status_code, code_of(response)) == (429, "H1123")
    assert response.headers["Retry-After"] == "17"
    assert response.headers["RateLimit-Policy"] == '"application";q=5;w=60'
    assert response.headers["RateLimit"] == '"application";r=0;t=17'


def test_each_code_of_the_api_has_a_status_and_texts() -> None:
    assert {code: each for code, each in documented().items() if not (each["zh"] and each["en"])} == {}
    assert set(documented()) >= {f"H11{number:02}" for number in range(1, 29)}


def test_what_is_to_be_mended_here_is_told_here_and_not_to_the_caller(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def stale(*_: object, **__: object) -> None:
        raise HuxinError("H1601")

    monkeypatch.setattr(enquiry_desk.Desk, "enquire", stale)
    headers = {"Idempotency-Key": "keys-were-exchanged", "Accept-Language": "en"}
    with caplog.at_level(logging.WARNING):
        response = world.call("POST", "/v1/enquiries", world.token("member"), headers, json=QUESTION)
    assert code_of(response) == "H1601"
    assert "huxin" not in response.text.lower()
    assert "huxin keys check" in caplog.text
