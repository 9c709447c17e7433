"""Blind mode over HTTP: keys that members pin, evaluations with proof, and quotas in elements."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from api_world import World, code_of
from sqlalchemy import text

from huxin.cli.setup import turn_on_blind
from huxin.enquiry import evaluating
from huxin.enquiry.evaluating import Evaluator
from huxin.registry.blind import Limits
from huxin.registry.session import connection
from huxin_privacy import blind, keyring
from huxin_privacy.blind import sodium
from huxin_privacy.errors import PrivacyError

KEYS, EVALUATIONS = "/v1/blind/keys", "/v1/blind/evaluations"
MESSAGES = [blind.message("resident_id", f"11010519491231{n:03}X") for n in range(6)]


@pytest.fixture
def on(world: World) -> World:
    assert turn_on_blind(world.settings)
    return world


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Quotas of a few elements."""
    monkeypatch.setattr(evaluating, "limits", lambda: Limits(per_minute=10, per_day=25))
    yield


def post(world: World, who: str, body: Any) -> Any:
    return world.call("POST", EVALUATIONS, world.token(who), json=body)


def published(world: World) -> blind.Published:
    return blind.parse_published(world.call("GET", KEYS, world.token("member")).json)


def blinder(world: World, who: str = "member") -> blind.Blinder:
    told = published(world)

    def evaluate(epoch: int, blinded: list[bytes]) -> blind.Evaluation:
        return blind.answered(post(world, who, blind.asked(epoch, blinded)).json)

    return blind.Blinder(blind.Pinned(told.oprf[0], told.registry[0]), evaluate)


def elements(count: int) -> list[bytes]:
    return blind.blind([b"%d" % n for n in range(count)]).blinded


def test_where_it_is_off_nothing_is_told_or_evaluated(world: World) -> None:
    assert code_of(world.call("GET", KEYS, world.token("member"))) == "H1801"
    assert code_of(post(world, "member", blind.asked(1, elements(1)))) == "H1801"


def test_a_member_gets_the_elements_of_its_people_and_nobody_sees_them(
    on: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    found = blinder(on).elements(MESSAGES)
    key = blind.oprf_key(keyring.open(on.settings.keys_dir, "entry"))
    assert found == [blind.element(key.secret, each) for each in MESSAGES]
    with connection(on.settings) as database:
        kept = database.execute(text("SELECT string_agg(o::text, '') FROM outbox o")).scalar_one()
    for each in found:
        assert each.hex() not in caplog.text + kept


def test_the_same_person_is_the_same_element_to_every_member(on: World) -> None:
    assert blinder(on).elements(MESSAGES) == blinder(on, "member_without_scope").elements(MESSAGES)


def test_the_keys_are_a_leaf_of_the_log_and_are_turned_on_once(on: World) -> None:
    assert not turn_on_blind(on.settings)
    with connection(on.settings) as database:
        rows = database.execute(text("SELECT body FROM outbox WHERE topic = 'blind.key'")).scalars().all()
    told = published(on).oprf[0]
    assert [(row["epoch"], row["public"]) for row in rows] == [(told.epoch, told.public.hex())]


def test_an_entry_zone_that_tags_a_member_by_another_key_is_caught(on: World) -> None:
    assert blinder(on).elements([b"somebody else"]), "the evaluator is there"
    member = blinder(on)
    secret = sodium.random_scalar()
    evaluator = on.app.extensions["huxin_evaluator"]
    assert isinstance(evaluator, Evaluator)
    evaluator._keys[1] = blind.OprfKey(1, sodium.multiply_base(secret), secret)
    with pytest.raises(PrivacyError, match="P0163"):
        member.elements(MESSAGES)
    assert member.evaluated == 0


def test_what_is_no_element_is_refused_by_its_place(on: World) -> None:
    sent = elements(4)
    sent[2] = b"\xff" * 32
    response = post(on, "member", blind.asked(1, sent))
    assert (response.status_code, code_of(response)) == (422, "H1804")
    assert response.json["facts"]["place"] == 3


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"elements": []}, "/elements"),
        ({"elements": ["A" * 43] * 1025}, "/elements"),
        ({"elements": ["11010519491231002X"]}, "/elements/0"),
        ({"elements": [7]}, "/elements/0"),
        ({"elements": ["A" * 42 + "B"]}, "/elements/0"),
        ({"epoch": 0}, "/epoch"),
        ({"epoch": True}, "/epoch"),
        ({"epoch": 1 << 31}, "/epoch"),
        ({"id_no": "11010519491231002X"}, "/*"),
    ],
)
def test_a_body_that_is_none_is_told_by_place_and_not_by_value(
    on: World, change: dict[str, Any], pointer: str
) -> None:
    response = post(on, "member", blind.asked(1, elements(1)) | change)
    assert code_of(response) == "H1121"
    assert [each["pointer"] for each in response.json["errors"]] == [pointer]
    assert "1101" not in response.text


def test_an_epoch_that_is_not_at_work_is_told(on: World) -> None:
    response = post(on, "member", blind.asked(2, elements(1)))
    assert (response.status_code, code_of(response)) == (410, "H1802")


def test_a_member_has_quotas_of_its_own_in_elements(on: World, tight: None) -> None:
    first = post(on, "member", blind.asked(1, elements(6)))
    assert first.headers["RateLimit"].startswith('"blind";r=4;')
    refused = post(on, "member", blind.asked(1, elements(5)))
    assert (refused.status_code, code_of(refused)) == (429, "H1123")
    assert int(refused.headers["Retry-After"]) >= 1
    # What was refused was not counted, and is nobody else's concern.
    assert post(on, "member", blind.asked(1, elements(4))).status_code == 200
    assert post(on, "member", blind.asked(1, elements(1))).status_code == 429
    assert post(on, "member_without_scope", blind.asked(1, elements(10))).status_code == 200


def test_a_days_quota_outlasts_the_minutes(on: World, tight: None) -> None:
    with connection(on.settings) as database:
        used = "INSERT INTO quota SELECT id, 'blind', 0, 0, :today, 20 FROM member WHERE code = 'M0001'"
        database.execute(text(used), {"today": on.settings.today()})
    assert post(on, "member", blind.asked(1, elements(5))).headers["RateLimit"].startswith('"blind";r=0;')
    refused = post(on, "member", blind.asked(1, elements(1)))
    assert json.loads(refused.data)["facts"]["window_s"] == 86400


def test_a_batch_behind_anothers_is_asked_to_come_again(on: World) -> None:
    post(on, "member", blind.asked(1, elements(1)))
    turns = on.app.extensions["huxin_evaluator"]._turns
    with turns:
        response = post(on, "member", blind.asked(1, elements(1)))
    assert (response.status_code, code_of(response)) == (503, "H1803")
    assert response.headers["Retry-After"] == "1"
    assert post(on, "member", blind.asked(1, elements(1))).status_code == 200


def test_the_largest_batch_fits_into_a_body(on: World) -> None:
    response = post(on, "member", blind.asked(1, elements(blind.BATCH)))
    assert response.status_code == 200
    assert len(response.json["elements"]) == blind.BATCH
