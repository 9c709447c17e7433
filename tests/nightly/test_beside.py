"""Work beside the main thread: in order, its fault told, and nothing of it left running."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest

from huxin.nightly.beside import errands, soon


def _failing() -> None:
    raise LookupError("gone")


def _blocked(gate: threading.Event, then: Callable[[], None]) -> None:
    assert gate.wait(120)
    then()


def test_what_is_made_soon_is_there_or_tells_why_not() -> None:
    assert soon(lambda: 7)() == 7
    made = soon(_failing)
    for _ in range(2):
        with pytest.raises(LookupError, match="gone"):
            made()


def test_what_is_made_soon_is_not_waited_for() -> None:
    gate, seen = threading.Event(), []
    made = soon(partial(_blocked, gate, lambda: seen.append(1)))
    assert seen == []
    gate.set()
    made()
    assert seen == [1]


def test_errands_are_done_in_their_order_in_one_thread() -> None:
    seen: list[tuple[int, int]] = []
    with errands() as sent:
        for number in range(200):
            sent.send(lambda number=number: seen.append((number, threading.get_ident())))  # type: ignore[misc]
        sent.wait()
    assert [number for number, _ in seen] == list(range(200))
    threads = {thread for _, thread in seen}
    assert len(threads) == 1
    assert threads != {threading.get_ident()}


def test_after_a_failed_errand_none_is_begun() -> None:
    seen: list[int] = []
    with errands() as sent:
        sent.send(lambda: seen.append(1))
        sent.send(_failing)
        sent.send(lambda: seen.append(2))
        sent.send(lambda: seen.append(3))
        with pytest.raises(LookupError, match="gone"):
            sent.wait()
    assert seen == [1]


def test_an_errand_follows_only_when_the_one_before_is_done() -> None:
    seen: list[int] = []
    with errands() as sent:
        for number in range(50):
            sent.follow(lambda number=number: seen.append(number))  # type: ignore[misc]
            assert len(seen) >= number
        sent.follow(_failing)
        with pytest.raises(LookupError):
            sent.follow(lambda: seen.append(-1))
    assert seen == list(range(50))


def test_a_block_that_fails_waits_for_the_errand_under_way_and_drops_the_others() -> None:
    before, begun, gate, seen = set(threading.enumerate()), threading.Event(), threading.Event(), []
    timer = threading.Timer(0.1, gate.set)

    def under_way() -> None:
        begun.set()
        _blocked(gate, lambda: seen.append(1))

    def leave() -> None:
        with errands() as sent:
            sent.send(under_way)
            sent.send(lambda: seen.append(2))
            assert begun.wait(120)  # one that no thread has taken up yet is dropped as well
            timer.start()
            raise KeyError("of the block")

    with pytest.raises(KeyError):
        leave()
    assert seen == [1]
    timer.join()
    assert set(threading.enumerate()) <= before  # one of an earlier test may have ended meanwhile
