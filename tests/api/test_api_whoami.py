"""/v1/whoami: what it tells of a caller's set-up, and what it finds wrong with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from api_world import SCOPES, World
from sqlalchemy import update

from huxin.registry.session import connection
from huxin.registry.tables import member as member_table


def findings(said: Any) -> set[str]:
    return {each["name"] for each in said["findings"]}


def report(world: World, as_of: date) -> None:
    with connection(world.settings) as database:
        database.execute(
            update(member_table)
            .where(member_table.c.code == "M0001")
            .values(as_of_date=as_of, as_of_sequence=1)
        )


def test_a_caller_that_is_well_set_up(world: World) -> None:
    report(world, world.settings.today())
    said = world.call("GET", "/v1/whoami", world.token("member")).json
    assert said["role"] == "member"
    assert said["scopes"] == sorted(["enquiries", "reservations", "submissions", "audit"])
    assert said["clock"]["skew_seconds"] == 0
    assert said["reports"]["as_of_date"] == world.settings.today().isoformat()
    assert said["reports"]["age_days"] == 0
    assert findings(said) == set()


@pytest.mark.parametrize(("ahead", "found"), [(5, False), (6, True), (-25, True)])
def test_a_clock_that_is_off_is_told_before_it_hurts(world: World, ahead: int, found: bool) -> None:
    now = int(world.settings.now().timestamp())
    token = world.exchange(world.assertion(world.holders["member"], iat=now + ahead)).json["access_token"]
    said = world.call("GET", "/v1/whoami", token).json
    assert said["clock"]["skew_seconds"] == ahead
    assert ("clock" in findings(said)) == found


@pytest.mark.parametrize(
    ("claims", "taken"),
    [
        ({"iat": -90}, True),  # how old it is nobody asks
        ({"iat": 30}, True),
        ({"iat": 31}, False),
        ({"nbf": 31}, False),
        ({"exp": -29}, True),
        ({"exp": -30}, False),
        ({"exp": 330}, True),
        ({"exp": 331}, False),
    ],
)
def test_a_clock_is_told_by_what_it_is_refused(world: World, claims: dict[str, int], taken: bool) -> None:
    now, who = int(world.settings.now().timestamp()), world.holders["member"]
    told = world.exchange(world.assertion(who, **{name: now + by for name, by in claims.items()}))
    assert (told.status_code == 200) == taken
    late = world.exchange(world.assertion(who, iat=now - 90)).json["access_token"]
    (said,) = world.call("GET", "/v1/whoami", late, {"Accept-Language": "en"}).json["findings"][:1]
    assert "-90 seconds off" in said["text"]
    assert "iat or nbf is more than 30 seconds ahead" in said["text"]
    assert "exp is 30 seconds past or more than 330 ahead" in said["text"]


def test_without_iat_the_clock_is_not_known(world: World) -> None:
    token = world.exchange(world.assertion(world.holders["member"], iat=None)).json["access_token"]
    said = world.call("GET", "/v1/whoami", token).json
    assert said["clock"]["skew_seconds"] is None
    assert "clock_unknown" in findings(said)


@pytest.mark.parametrize(("days", "found"), [(0, set()), (2, set()), (3, {"report_old"})])
def test_reports_that_are_old(world: World, days: int, found: set[str]) -> None:
    report(world, world.settings.today() - timedelta(days=days))
    assert findings(world.call("GET", "/v1/whoami", world.token("member")).json) == found


def test_one_who_never_reported(world: World) -> None:
    assert "never_reported" in findings(world.call("GET", "/v1/whoami", world.token("member")).json)


def test_a_key_that_grows_old(world: World) -> None:
    report(world, world.settings.today())
    later = replace(world.settings, fixed_now=world.settings.now() + timedelta(days=366))
    shell = world.app.extensions["huxin"]
    shell.tokens._settings = later
    world.app.extensions["huxin"] = replace(shell, settings=later)
    world.settings = later
    said = world.call("GET", "/v1/whoami", world.token("member")).json
    assert said["keys"][0]["age_days"] == 366
    assert "key_old" in findings(said)


def test_an_operator_and_an_auditor_are_no_members(world: World) -> None:
    for role, code in (("operator", "ops"), ("auditor", "eyes")):
        said = world.call("GET", "/v1/whoami", world.token(role)).json
        assert (said["role"], said["holder"], said["member"], said["reports"]) == (role, code, None, None)
        assert findings(said) == set()


def test_the_scopes_of_the_present_token_are_told_beside_its_keys(world: World) -> None:
    said = world.call("GET", "/v1/whoami", world.token("member", scope="audit enquiries")).json
    assert said["scopes"] == ["audit", "enquiries"]
    assert sorted(said["keys"][0]["scopes"]) == sorted(SCOPES)
    assert "no_scopes" not in findings(said)
    tickets = world.call("GET", "/v1/whoami", world.token("member", scope="tickets")).json
    assert tickets["scopes"] == ["tickets"]


def test_a_token_that_opens_nothing_is_found(world: World) -> None:
    token = world.token("member_without_scope")
    said = world.call("GET", "/v1/whoami", token, {"Accept-Language": "en"}).json
    assert (said["scopes"], said["keys"][0]["scopes"]) == ([], [])
    assert "no_scopes" in findings(said)


def test_it_speaks_the_callers_language(world: World) -> None:
    token = world.token("member")
    zh = world.call("GET", "/v1/whoami", token, {"Accept-Language": "zh-CN"}).json
    en = world.call("GET", "/v1/whoami", token, {"Accept-Language": "en"}).json
    assert "尚未报送" in zh["findings"][0]["text"]
    assert "not reported" in en["findings"][0]["text"]


def test_nobody_elses_keys_are_told(world: World) -> None:
    said = world.call("GET", "/v1/whoami", world.token("member")).text
    others = [holder for role, holder in world.holders.items() if role != "member"]
    assert [holder.code for holder in others if str(holder.key_id) in said] == []
