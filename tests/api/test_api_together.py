"""Enquiries that come at the same time, over HTTP: answered in one lot, and each as if it had come alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from api_world import World, code_of
from sqlalchemy import text
from test_api_enquiries import BODY, ask

from huxin.enquiry import lots
from huxin.ids import new_id
from huxin.registry.session import connection
from support.rows import resident_id

PATIENCE_S = 60.0


@pytest.fixture(params=["one_world", "zoned_world"])
def world(request: pytest.FixtureRequest) -> World:
    """By one process, and by the three zones: there a ticket is spent by itself."""
    found: World = request.getfixturevalue(request.param)
    return found


def at_once(world: World, asked: Sequence[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The answers to `asked`, which go in one lot: nothing is begun before all have come."""
    desk = world.app.extensions["huxin_desk"]
    sizes: list[int] = []

    def noted(desk: Any, questions: Any) -> Any:
        sizes.append(len(questions))
        return lots.answer_lot(desk, questions)

    monkeypatch.setattr("huxin.enquiry.desk.answer_lot", noted)
    desk._together._free = 0
    with ThreadPoolExecutor(len(asked)) as pool:
        answers = [pool.submit(ask, world, "member", **each) for each in asked]
        end = time.monotonic() + PATIENCE_S
        while len(desk._together._waiting) < len(asked):
            assert time.monotonic() < end
            time.sleep(0.002)
        desk._together._hand_on(0)
        told = [each.result(PATIENCE_S) for each in answers]
    assert sizes == [len(asked)]
    return told


def about(number: int, **more: Any) -> dict[str, Any]:
    return {"subject": BODY["subject"] | {"id_no": resident_id(number)}} | more


def test_each_gets_the_answer_that_it_would_get_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whom = [about(number, amount=f"{number}000.00") for number in range(1, 6)]
    for each in whom:
        ask(world, "member", **each)
    told = at_once(world, whom, monkeypatch)
    assert [each.status_code for each in told] == [200] * 5
    assert len({each.json["enquiry_id"] for each in told}) == 5
    for each, answer in zip(whom, told, strict=True):
        alone = ask(world, "member", **each).json
        assert alone["handle"] == answer.json["handle"]
        assert alone["outcome"] == answer.json["outcome"]
        path = f"/v1/enquiries/{answer.json['enquiry_id']}"
        assert world.call("GET", path, world.token("member")).data == answer.data
    with connection(world.settings) as database:
        assert database.execute(text("SELECT count(*) FROM enquiry")).scalar_one() == 15


def test_what_is_peculiar_about_one_is_no_matter_of_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A known one, a stranger, one told before, a key that stands for another body."""
    first = ask(world, "member", "key-000001", **about(1))
    ask(world, "member", "key-000002", **about(2))
    asked = [
        about(1, key=str(new_id())),
        about(7),
        about(1, key="key-000001"),
        about(2, key="key-000002", amount="1.00"),
    ]
    known, stranger, again, other = at_once(world, asked, monkeypatch)
    assert known.status_code == stranger.status_code == 200
    assert again.data == first.data
    assert code_of(other) == "H1202"
    with connection(world.settings) as database:
        assert database.execute(text("SELECT count(*) FROM enquiry")).scalar_one() == 4
