"""A question that was answered is answered the same for good, whatever the rules of a later day refuse."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from api_world import World, code_of
from sqlalchemy import text

from huxin.api.app import create_app
from huxin.api.shell import Config
from huxin.api.zone_members import create_entry_app
from huxin.ids import new_id
from huxin.registry.policies import policy_on
from huxin.registry.sequencing import drain
from huxin.registry.session import connection
from huxin_privacy.client import ticket_wish, with_ticket

KEY = "asked-before-midnight"
BEFORE = datetime.fromisoformat("2026-05-31T23:59:50+08:00")
AFTER = datetime.fromisoformat("2026-06-01T00:00:05+08:00")
BODY: dict[str, Any] = {
    "subject": {"id_type": "resident_id", "id_no": "11010519491231002X"},
    "purpose": "application",
    "consent_no": "SQ2026030001",
    "consent_until": "2026-05-31",
    "staff": "S-17",
    "reference": "case-1",
}
LONG = BODY | {"consent_until": "2027-05-31"}


@pytest.fixture(params=["one_world", "zoned_world"])
def world(request: pytest.FixtureRequest) -> World:
    """Each test by one process, and by the three zones."""
    found: World = request.getfixturevalue(request.param)
    return found


@contextmanager
def at(world: World, now: datetime) -> Iterator[World]:
    """The same registry at another time, by apps of its own."""
    config = Config(recheck_seconds=0)
    app = create_app(replace(world.app.extensions["huxin"].settings, fixed_now=now), config)
    entry = world.entry and create_entry_app(
        replace(world.entry.extensions["huxin"].settings, fixed_now=now), config
    )
    yield replace(world, app=app, entry=entry, settings=replace(world.settings, fixed_now=now))
    for each in filter(None, (app, entry)):
        if "huxin_desk" in each.extensions:
            each.extensions["huxin_desk"].close()
        each.extensions["huxin"].live.close()


def ask(world: World, body: dict[str, Any], key: str = KEY) -> Any:
    return world.enquire("member", body, {"Idempotency-Key": key})


def reserve(world: World, body: dict[str, Any], key: str = KEY) -> Any:
    headers = {"Idempotency-Key": key}
    return world.call("POST", "/v1/reservations", world.token("member"), headers, json=body)


def kept(world: World) -> list[int]:
    """What is on record, and what was counted."""
    tables = ("enquiry", "enquiry_key", "outbox", "reservation", "reservation_key")
    with connection(world.settings) as database:
        return [database.execute(text(f"SELECT count(*) FROM {each}")).scalar_one() for each in tables]


def test_an_answer_is_told_again_when_the_consent_has_ended(world: World) -> None:
    with at(world, BEFORE) as evening:
        first = ask(evening, BODY)
        assert first.status_code == 200, first.text
    before = kept(world)
    with at(world, AFTER) as morning:
        again = ask(morning, BODY)
        assert (again.status_code, again.data) == (200, first.data)
        assert "RateLimit" not in again.headers, "nothing was counted"
        assert code_of(ask(morning, BODY | {"reference": "case-2"})) == "H1202"
        assert code_of(ask(morning, BODY, str(new_id()))) == "H1201"
    assert kept(world) == before


def test_a_repeated_question_is_counted_like_any_other(world: World) -> None:
    """As docs/api.md says: whether it is one shows only after the quota was looked at."""
    left = [re.search(r"r=(\d+)", ask(world, LONG).headers["RateLimit"]) for _ in range(2)]
    first, second = (int(each.group(1)) for each in left if each)
    assert second == first - 1


def test_an_answer_is_told_again_under_another_policy_and_without_quota(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at(world, BEFORE) as evening:
        first = ask(evening, LONG)
        policy = policy_on(evening.settings, evening.settings.today())
    before = kept(world)
    none = {
        tier: {purpose: replace(quota, per_minute=0, per_day=0) for purpose, quota in quotas.items()}
        for tier, quotas in policy.quotas.items()
    }
    newer = replace(policy, version="next", quotas=none)
    monkeypatch.setattr("huxin.enquiry.desk.policy_on", lambda *_: newer)
    with at(world, AFTER) as morning:
        again = ask(morning, LONG)
        assert (again.status_code, again.data) == (200, first.data)
        assert code_of(ask(morning, LONG, str(new_id()))) == "H1209"
    assert kept(world) == before


def test_an_answer_is_told_again_to_a_lower_tier(world: World) -> None:
    manages = LONG | {"purpose": "post_loan"}
    with at(world, BEFORE) as evening:
        first, application = ask(evening, manages), ask(evening, LONG, "another-key")
    assert {first.json["tier"], application.json["tier"]} == {"full"}
    before = kept(world)
    with connection(world.settings) as database:
        database.execute(text("UPDATE member SET created_at = '2026-01-01', as_of_date = '2026-04-01'"))
    with at(world, AFTER) as morning:
        assert ask(morning, manages).data == first.data
        assert ask(morning, LONG, "another-key").data == application.data
        assert code_of(ask(morning, manages, str(new_id()))) == "H1209"
    assert kept(world) == before


@pytest.mark.parametrize("world", ["one_world"], indirect=True)
def test_a_ticket_with_an_ended_consent_is_refused_where_none_is_taken(world: World) -> None:
    body = {name: value for name, value in BODY.items() if name != "subject"} | {"ticket": "any"}
    with at(world, AFTER) as morning:
        headers, token = {"Idempotency-Key": KEY}, morning.token("member")
        assert code_of(morning.call("POST", "/v1/enquiries", token, headers, json=body)) == "H1201"


def test_a_reservation_is_told_again_under_a_policy_of_fewer_hours(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at(world, BEFORE) as evening:
        enquiry = ask(evening, LONG).json["enquiry_id"]
        body = {"enquiry_id": enquiry, "amount": "100.00", "expires_in": 168 * 3600}
        first = reserve(evening, body)
        assert first.status_code == 201, first.text
        policy = policy_on(evening.settings, evening.settings.today())
    before = kept(world)
    fewer = replace(policy, reservations=replace(policy.reservations, default_hours=12, maximum_hours=24))
    monkeypatch.setattr("huxin.enquiry.reserving.policy_on", lambda *_: fewer)
    with at(world, AFTER) as morning:
        again = reserve(morning, body)
        assert (again.status_code, again.data) == (200, first.data)
        assert code_of(reserve(morning, body | {"amount": "200.00"})) == "H1202"
        new = reserve(morning, body, str(new_id()))
        assert (code_of(new), new.json["facts"]) == ("H1216", {"hours": 24})
    assert kept(world) == before


@pytest.mark.parametrize("world", ["zoned_world"], indirect=True)
def test_an_answer_is_told_again_by_a_ticket_that_has_expired(world: World) -> None:
    with at(world, BEFORE) as evening:
        named = {"Authorization": f"Bearer {evening.token('member', scope='tickets')}"}
        assert evening.entry
        given = evening.entry.test_client().post("/v1/tickets", headers=named, json=ticket_wish(LONG))
        body = with_ticket(LONG, given.json["ticket"])
        headers, token = {"Idempotency-Key": KEY}, evening.token("member")
        first = evening.call("POST", "/v1/enquiries", token, headers, json=body)
        assert first.status_code == 200, first.text
    before = kept(world)
    with at(world, BEFORE + timedelta(minutes=10)) as later:
        token = later.token("member")
        assert later.call("POST", "/v1/enquiries", token, headers, json=body).data == first.data
        new = later.call("POST", "/v1/enquiries", token, {"Idempotency-Key": str(new_id())}, json=body)
        assert code_of(new) == "H1231"
    assert kept(world) == before


def test_a_conversion_is_put_right_and_taken_back(world: World) -> None:
    """Another number is held no longer than the first; a loan that was not made after all is a promise given back."""
    token, wanted = (
        world.token("member"),
        {"enquiry_id": ask(world, LONG).json["enquiry_id"], "amount": "1.00"},
    )
    held = world.call("POST", "/v1/reservations", token, {"Idempotency-Key": "hold-0001"}, json=wanted).json
    path = f"/v1/reservations/{held['reservation_id']}"
    first = world.call("POST", f"{path}/convert", token, json={"loan_no": "JJ1"}).json
    drain(world.settings)
    with at(world, AFTER) as later:
        right = later.call("POST", f"{path}/convert", later.token("member"), json={"contract_no": "HT2"}).json
        assert (right["loan_no"], right["contract_no"]) == (None, "HT2")
        assert (right["state"], right["expires_at"]) == ("converted", first["expires_at"])
        assert right["promise"] != first["promise"]
        earlier = later.call("GET", f"{path}/receipt?act=converted", later.token("member"))
        assert (earlier.status_code, code_of(earlier)) == (404, "H1302"), (
            "that of the first number is not its proof"
        )
        drain(later.settings)
        proved = later.call("GET", f"{path}/receipt?act=converted", later.token("member")).json
        assert json.loads(proved["record"])["at"] == right["changed_at"]
        told = later.call("POST", f"{path}/release", later.token("member")).json
        assert (told["state"], told["loan_no"], told["contract_no"]) == ("released", None, None)
        assert told == later.call("GET", path, later.token("member")).json
        assert ask(later, LONG, "another-key").json["exposure"]["pending_reservations"]["count"] == 0
