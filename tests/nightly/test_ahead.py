"""Items made ahead come in order, their fault in its place, and nobody is left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from huxin.nightly.ahead import ahead


def _counting(until: int, seen: list[int], closed: list[bool]) -> Iterator[int]:
    try:
        for number in range(until):
            seen.append(number)
            yield number
    finally:
        closed.append(True)


def test_items_come_in_order() -> None:
    assert list(ahead(range(1_000), 3)) == list(range(1_000))
    assert list(ahead([])) == []


def test_a_fault_is_raised_after_what_came_before_it() -> None:
    def failing() -> Iterator[int]:
        yield 1
        yield 2
        raise LookupError("gone")

    got = []
    with pytest.raises(LookupError, match="gone"):
        for item in ahead(failing()):
            got.append(item)
    assert got == [1, 2]


def test_whoever_stops_early_stops_the_making() -> None:
    before = set(threading.enumerate())
    seen: list[int] = []
    closed: list[bool] = []
    items = ahead(_counting(10_000, seen, closed), 2)
    assert [next(items), next(items)] == [0, 1]
    items.close()
    assert closed == [True]
    assert len(seen) < 20
    assert set(threading.enumerate()) <= before  # one of an earlier test may have ended meanwhile


def test_no_more_than_the_depth_is_made_ahead() -> None:
    seen: list[int] = []
    items = ahead(_counting(100, seen, []), 3)
    for number in range(50):
        assert next(items) == number
        assert len(seen) <= number + 1 + 3 + 1
    items.close()
