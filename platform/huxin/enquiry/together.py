"""What several threads bring at the same time is done by one of them for all, in one go."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from huxin.errors import HuxinError

Errand = TypeVar("Errand")
Done = TypeVar("Done")


# After company was waited for in vain, this many lots do not wait at the most: one, then three, then seven, and so on.
_MOST_WARY = 63


class NoTurnError(Exception):
    """Nobody came to an errand within the time that it had; it was not begun."""


class _Place(Generic[Errand, Done]):
    """One errand. Its signal is given once: it is done, or (`leads`) its thread is to do the next lot."""

    __slots__ = ("done", "errand", "leads", "signal")

    def __init__(self, errand: Errand) -> None:
        self.errand = errand
        self.signal = threading.Lock()
        self.signal.acquire()
        self.leads = False
        self.done: Done | Exception = NoTurnError()


class Together(Generic[Errand, Done]):
    """Safe to share between threads. Those go together that came meanwhile; and where a lot has just let several go,
    who ask again at once as busy callers do, the next may wait a moment for them. Who comes alone never waits."""

    def __init__(
        self,
        work: Callable[[Sequence[Errand]], Sequence[Done | Exception]],
        *,
        lots: int,
        most: int,
        company_s: float = 0.0,
    ) -> None:
        """`work` does up to `most` errands and gives what became of each, None where it left one alone; so many `lots`
        are at work at once. None is begun later than `company_s` after the one before for the sake of company."""
        self._work, self._free, self._most, self._company_s = work, lots, most, company_s
        self._lock = threading.Lock()
        self._waiting: deque[_Place[Errand, Done]] = deque()
        # How many the next lot may be, if those of the last come back; until when that is waited for; by whom.
        self._expected, self._until = 1, 0.0
        # How many lots do not wait, after it was in vain; how many it was then.
        self._wary, self._wary_then = 0, 0
        self._leader: threading.Lock | None = None

    def do(self, errand: Errand, patience_s: float) -> Done:
        """What became of the errand, or its error. NoTurnError when its turn does not come within `patience_s`."""
        place: _Place[Errand, Done] = _Place(errand)
        if not self._leads(place):
            # Whoever has waited has taken the signal, whichever it was: so it is never given a second time.
            self._wait(place, patience_s)
            if place.leads:
                self._lead(place)
        else:
            self._lead(place)
        if isinstance(place.done, Exception):
            raise place.done
        return place.done

    def _leads(self, place: _Place[Errand, Done]) -> bool:
        with self._lock:
            if self._free > 0:
                self._free -= 1
                return True
            self._waiting.append(place)
            if self._leader is not None and len(self._waiting) + 1 >= self._expected:
                self._leader.release()
                self._leader = None
        return False

    def _wait(self, place: _Place[Errand, Done], patience_s: float) -> None:
        if place.signal.acquire(timeout=patience_s):
            return
        with self._lock:
            if place in self._waiting:
                self._waiting.remove(place)
                raise NoTurnError
        place.signal.acquire()  # somebody is at it, or its turn came just now

    def _lead(self, first: _Place[Errand, Done]) -> None:
        """One lot: the leader's own errand and those that wait now."""
        lot = [first]
        outcomes: Sequence[Done | Exception] = ()
        try:
            if self._company_s:
                self._await_company()
            with self._lock:
                while self._waiting and len(lot) < self._most:
                    lot.append(self._waiting.popleft())
            outcomes = self._work([place.errand for place in lot])
        except Exception as error:
            outcomes = [_own(error) for _ in lot]
        finally:  # whatever ends this thread, nobody is left waiting
            try:
                _give(lot, outcomes)
            finally:
                # One that was left alone is seen to by its own thread, and does not come back so soon.
                self._hand_on(sum([each is not None for each in outcomes]))

    def _await_company(self) -> None:
        """Returns when as many wait as are expected, or when there was time enough for them to come."""
        with self._lock:
            left = self._until - time.monotonic()
            if left <= 0 or self._leader is not None or len(self._waiting) + 1 >= self._expected:
                return
            if self._wary:
                self._wary -= 1
                return
            signal = self._leader = threading.Lock()
            signal.acquire()
        came = signal.acquire(timeout=left)
        with self._lock:
            if self._leader is signal:
                self._leader = None
            self._wary_then = 0 if came else min(2 * self._wary_then + 1, _MOST_WARY)
            self._wary = self._wary_then

    def _hand_on(self, told: int) -> None:
        with self._lock:
            self._expected = min(told + len(self._waiting), self._most)
            self._until = time.monotonic() + self._company_s
            if not self._waiting:
                self._free += 1
                return
            following = self._waiting.popleft()
            following.leads = True
        following.signal.release()


def _give(lot: Sequence[_Place[Errand, Done]], outcomes: Sequence[Done | Exception]) -> None:
    for number, place in enumerate(lot):
        place.done = outcomes[number] if number < len(outcomes) else RuntimeError("the lot was given up")
        if number:  # the first is the leader itself, which waits for nothing any more
            place.signal.release()


def _own(error: Exception) -> Exception:
    """The error for one thread by itself: raising it writes to it."""
    return HuxinError(error.code, **error.facts) if isinstance(error, HuxinError) else error
