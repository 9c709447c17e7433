"""Turns at what takes long: so many at once, so many of one caller, and given back however it ended."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from huxin.api.taking_turns import Turns


@pytest.fixture
def held() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def free(turns: Turns, who: str) -> bool:
    with turns.turn(who) as taken:
        return taken


def test_one_caller_gets_its_part_and_all_together_no_more_than_there_are(held: ExitStack) -> None:
    turns = Turns(4, 2)
    for who, gets in (("a", True), ("a", True), ("a", False), ("b", True), ("c", True), ("d", False)):
        assert held.enter_context(turns.turn(who)) is gets
    held.close()
    assert free(turns, "a")
    assert free(turns, "d")


def test_a_turn_ends_with_its_block_also_by_an_error() -> None:
    turns = Turns(1, 1)
    for _ in range(3):
        with pytest.raises(ValueError, match="cut off"), turns.turn("a") as taken:
            assert taken
            raise ValueError("cut off")


def test_who_got_none_gives_none_back(held: ExitStack) -> None:
    turns = Turns(1, 1)
    assert held.enter_context(turns.turn("a"))
    for _ in range(3):
        assert not free(turns, "a")
        assert not free(turns, "b")


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_server_of_few_threads_takes_one_all_the_same(threads: int) -> None:
    assert free(Turns(threads // 2, threads // 4), "a")


def test_threads_that_ask_together_never_get_more() -> None:
    turns, lock, under_way, most = Turns(3, 2), threading.Lock(), 0, 0

    def some(who: str) -> None:
        nonlocal under_way, most
        for _ in range(500):
            with turns.turn(who) as taken:
                if taken:
                    with lock:
                        under_way += 1
                        most = max(most, under_way)
                    with lock:
                        under_way -= 1

    with ThreadPoolExecutor(8) as pool:
        for each in [pool.submit(some, who) for who in "aabbccdd"]:
            each.result()
    assert most <= 3
    with turns.turn("a") as first, turns.turn("a") as second, turns.turn("b") as third:
        assert (first, second, third) == (True, True, True)
