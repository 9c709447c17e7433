"""Keys to subjects: two first lenders meet, several keys lead to one subject, nobody is claimed by a mere look."""

from __future__ import annotations

import threading
from uuid import UUID

from registry_world import Desk, token


def together(count: int, work: object) -> list[object]:
    """What `count` threads got from `work(number)`, begun at once."""
    gate, found = threading.Barrier(count), [None] * count
    threads = [threading.Thread(target=_one, args=(gate, found, work, number)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list(found)


def _one(gate: threading.Barrier, found: list[object], work: object, number: int) -> None:
    gate.wait()
    try:
        found[number] = work(number)  # type: ignore[operator]  # a function of one number
    except BaseException as error:
        found[number] = error


def test_two_first_lenders_meet(desk: Desk) -> None:
    for _ in range(20):
        keys = [token(), token()]
        met = together(2, lambda number, keys=keys: desk.gather(number + 1, *keys).subject_id)
        assert isinstance(met[0], UUID)
        assert met[0] == met[1]
        assert {desk.gather(1, key).subject_id for key in keys} == {met[0]}
    assert desk.count("alias") == 40


def test_a_look_claims_nothing(desk: Desk) -> None:
    found = desk.gather(1, token(), claim=False)
    assert (found.subject_id, desk.count("alias")) == (None, 0)
    assert desk.facts(1, token(), claim=False)["loans"] == []


def test_a_known_key_decides_whatever_its_place(desk: Desk) -> None:
    known, unknown = token(), token()
    subject = desk.gather(1, known).subject_id
    assert desk.gather(2, unknown, known).subject_id == subject
    assert desk.count("alias") == 1


def test_a_token_of_another_scheme_is_another_token(desk: Desk) -> None:
    key = token()
    first = desk.gather(1, key, keys=[(key, 1)]).subject_id
    assert desk.gather(1, key, keys=[(key, 2)]).subject_id != first


def test_a_suspended_member_learns_and_claims_nothing(desk: Desk) -> None:
    desk.run("UPDATE member SET status = 'suspended' WHERE id = 1")
    found = desk.gather(1, token())
    assert (found.member_status, found.subject_id, found.facts) == ("suspended", None, b"")
    assert (desk.count("alias"), desk.count("quota")) == (0, 0)
    assert desk.gather(99, token()).member_status is None
