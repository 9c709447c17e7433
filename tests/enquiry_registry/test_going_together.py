"""Errands of several threads done in lots: who goes with whom, whose error is whose; and nobody is left waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from huxin.enquiry.together import NoTurnError, Together

PATIENCE_S = 60.0


class Held:
    """Work whose first lot lasts until it is let go, and the lots that were done."""

    def __init__(self, most: int = 16, answer: Callable[[int], int | Exception] = lambda each: each) -> None:
        self.lots: list[list[int]] = []
        self.let_go = threading.Event()
        self._answer = answer
        self.together: Together[int, int] = Together(self._work, lots=1, most=most)

    def _work(self, errands: Sequence[int]) -> list[int | Exception]:
        self.lots.append(sorted(errands))
        if len(self.lots) == 1:
            assert self.let_go.wait(PATIENCE_S)
        return [self._answer(each) for each in errands]

    def brought(self, pool: ThreadPoolExecutor, count: int) -> list[Future[int]]:
        """Errand 0, which is begun, and the others, who wait."""
        first = pool.submit(self.together.do, 0, PATIENCE_S)
        self.until(lambda: len(self.lots) == 1)
        others = [pool.submit(self.together.do, each, PATIENCE_S) for each in range(1, count)]
        self.until(lambda: len(self.together._waiting) == count - 1)
        return [first, *others]

    @staticmethod
    def until(holds: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.001)


def test_who_comes_while_a_lot_is_under_way_makes_the_next() -> None:
    held = Held()
    with ThreadPoolExecutor(6) as pool:
        done = held.brought(pool, 6)
        held.let_go.set()
        assert [each.result(PATIENCE_S) for each in done] == list(range(6))
    assert held.lots == [[0], [1, 2, 3, 4, 5]]
    assert held.together.do(9, PATIENCE_S) == 9  # and whoever comes later goes alone
    assert held.lots[-1] == [9]


def test_a_lot_is_no_larger_than_allowed() -> None:
    held = Held(most=2)
    with ThreadPoolExecutor(6) as pool:
        done = held.brought(pool, 6)
        held.let_go.set()
        assert [each.result(PATIENCE_S) for each in done] == list(range(6))
    assert [len(each) for each in held.lots] == [1, 2, 2, 1]


def test_an_error_is_raised_where_it_belongs() -> None:
    held = Held(answer=lambda each: ValueError(each) if each == 3 else each)
    with ThreadPoolExecutor(5) as pool:
        done = held.brought(pool, 5)
        held.let_go.set()
        with pytest.raises(ValueError, match="3"):
            done[3].result(PATIENCE_S)
        assert [done[each].result(PATIENCE_S) for each in (0, 1, 2, 4)] == [0, 1, 2, 4]


def test_what_ends_a_lot_is_told_to_all_in_it_and_to_nobody_else() -> None:
    held = Held()
    failing = held.together._work

    def work(errands: Sequence[int]) -> Sequence[int | Exception]:
        found = failing(errands)
        if len(errands) > 1:
            raise OSError("no use")
        return found

    held.together._work = work
    with ThreadPoolExecutor(4) as pool:
        done = held.brought(pool, 4)
        held.let_go.set()
        assert done[0].result(PATIENCE_S) == 0
        for each in done[1:]:
            with pytest.raises(OSError, match="no use"):
                each.result(PATIENCE_S)
    assert held.together.do(7, PATIENCE_S) == 7


def test_a_thread_that_is_ended_in_its_lot_leaves_nobody_waiting() -> None:
    held = Held()
    going_on = held.together._work

    def work(errands: Sequence[int]) -> Sequence[int | Exception]:
        found = going_on(errands)
        if len(errands) > 1:
            raise SystemExit
        return found

    held.together._work = work
    with ThreadPoolExecutor(4) as pool:
        done = held.brought(pool, 4)
        held.let_go.set()
        ends = [each.exception(PATIENCE_S) for each in done[1:]]
    assert sorted(type(each).__name__ for each in ends) == ["RuntimeError", "RuntimeError", "SystemExit"]
    assert held.together.do(7, PATIENCE_S) == 7


def test_who_gets_no_turn_in_time_was_not_begun() -> None:
    held = Held()
    with ThreadPoolExecutor(1) as pool:
        (first,) = held.brought(pool, 1)
        with pytest.raises(NoTurnError):
            held.together.do(1, 0.01)
        held.let_go.set()
        assert first.result(PATIENCE_S) == 0
    assert held.lots == [[0]]


class LateLeaving:
    """A lock that the thread named "late" leaves, and then stands still until nobody waits any more."""

    def __init__(self, held: Held) -> None:
        self._held, self._lock = held, threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        if threading.current_thread().name == "late" and not self._held.let_go.is_set():
            self._held.let_go.set()
            self._held.until(lambda: not self._held.together._waiting)


def test_who_is_to_lead_before_it_has_begun_to_wait_leads_once() -> None:
    held, told = Held(), list[int]()
    held.together._lock = LateLeaving(held)  # type: ignore[assignment]  # it locks as well
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(held.together.do, 0, PATIENCE_S)
        held.until(lambda: len(held.lots) == 1)
        late = threading.Thread(target=lambda: told.append(held.together.do(1, PATIENCE_S)), name="late")
        late.start()
        late.join(PATIENCE_S)
        assert first.result(PATIENCE_S) == 0
    assert told == [1]
    assert held.together._free == 1
    assert held.together.do(2, PATIENCE_S) == 2


def test_many_threads_each_get_their_own() -> None:
    sizes: list[int] = []

    def work(errands: Sequence[int]) -> list[int | Exception]:
        sizes.append(len(errands))
        time.sleep(0.0005)
        return [-each for each in errands]

    together: Together[int, int] = Together(work, lots=2, most=4)
    with ThreadPoolExecutor(12) as pool:
        asked = range(1, 1500)
        assert list(pool.map(lambda each: together.do(each, PATIENCE_S), asked)) == [-each for each in asked]
    assert sum(sizes) == len(asked)
    assert 1 < max(sizes) <= 4
    assert together._free == 2


class Returning:
    """Work that takes no time, with company that is waited for, and callers who come back; the sizes of the lots."""

    def __init__(self, company_s: float, left_alone: bool = False) -> None:
        self.sizes: list[int] = []
        self._left_alone = left_alone
        self.together: Together[int, int | None] = Together(self._work, lots=1, most=16, company_s=company_s)

    def _work(self, errands: Sequence[int]) -> list[int | Exception | None]:
        self.sizes.append(len(errands))
        return [None if self._left_alone else each for each in errands]

    def lot_of_three(self, pool: ThreadPoolExecutor) -> None:
        """One lot of three that are let go."""
        self.together._free = 0
        waiting = [pool.submit(self.together.do, each, PATIENCE_S) for each in range(3)]
        Held.until(lambda: len(self.together._waiting) == 3)
        self.together._hand_on(0)
        assert [each.result(PATIENCE_S) is None for each in waiting] == [self._left_alone] * 3
        assert self.sizes == [3]


def test_a_lot_waits_for_those_just_let_go() -> None:
    going = Returning(company_s=PATIENCE_S)
    with ThreadPoolExecutor(3) as pool:
        going.lot_of_three(pool)
        first = pool.submit(going.together.do, 0, PATIENCE_S)
        Held.until(lambda: going.together._leader is not None)
        others = [pool.submit(going.together.do, each, PATIENCE_S) for each in (1, 2)]
        assert [each.result(PATIENCE_S) for each in (first, *others)] == [0, 1, 2]
    assert going.sizes == [3, 3]


def test_who_was_waited_for_in_vain_is_waited_for_ever_more_seldom() -> None:
    going = Returning(company_s=0.0)

    def waits(in_vain: bool) -> bool:
        """One lot, after one of two: whether it waited for the other."""
        together = going.together
        before = together._wary
        together._expected, together._until = 2, time.monotonic() + (0.05 if in_vain else PATIENCE_S)
        if in_vain or before:
            together._await_company()
            return not before
        asking = pool.submit(together._await_company)
        Held.until(lambda: together._leader is not None)
        with together._lock:
            assert together._leader is not None
            together._leader.release()
        asking.result(PATIENCE_S)
        return True

    with ThreadPoolExecutor(1) as pool:
        waited = [waits(in_vain=True) for _ in range(1 + 1 + 1 + 3 + 1 + 7)]
        assert waited == [True, False, True, *[False] * 3, True, *[False] * 7]
        assert waits(in_vain=False)
        assert waits(in_vain=False)
        assert [waits(in_vain=True) for _ in range(3)] == [True, False, True]
        for _ in range(300):
            waits(in_vain=True)
        assert going.together._wary_then == 63


def test_who_comes_alone_or_late_waits_for_nobody() -> None:
    going = Returning(company_s=PATIENCE_S)
    for each in range(3):
        assert going.together.do(each, PATIENCE_S) == each
    with ThreadPoolExecutor(3) as pool:
        late = Returning(company_s=PATIENCE_S)
        late.lot_of_three(pool)
        late.together._until = time.monotonic()  # the time for company is over
        assert late.together.do(9, PATIENCE_S) == 9
    assert going.sizes == [1, 1, 1]
    assert late.sizes == [3, 1]


def test_who_was_left_alone_is_not_expected_back() -> None:
    going = Returning(company_s=PATIENCE_S, left_alone=True)
    with ThreadPoolExecutor(3) as pool:
        going.lot_of_three(pool)
        assert going.together.do(0, PATIENCE_S) is None
    assert going.sizes == [3, 1]
