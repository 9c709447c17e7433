"""What several threads bring at the same time is done by one of them for all, in one go."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from huxin.errors import HuxinError

Errand = TypeVar("Errand")
Done = TypeVar("Done")


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
    """Safe to share between threads. Nobody waits for company: those go together that came meanwhile."""

    def __init__(
        self, work: Callable[[Sequence[Errand]], Sequence[Done | Exception]], *, lots: int, most: int
    ) -> None:
        """`work` does up to `most` errands and gives what became of each; so many `lots` are at work at once."""
        self._work, self._free, self._most = work, lots, most
        self._lock = threading.Lock()
        self._waiting: deque[_Place[Errand, Done]] = deque()

    def do(self, errand: Errand, patience_s: float) -> Done:
        """What became of the errand, or its error. NoTurnError when its turn does not come within `patience_s`."""
        place: _Place[Errand, Done] = _Place(errand)
        with self._lock:
            leads = self._free > 0
            if leads:
                self._free -= 1
            else:
                self._waiting.append(place)
        if not leads:
            # Whoever has waited has taken the signal, whichever it was: so it is never given a second time.
            self._wait(place, patience_s)
            leads = place.leads
        if leads:
            self._lead(place)
        if isinstance(place.done, Exception):
            raise place.done
        return place.done

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
                self._hand_on()

    def _hand_on(self) -> None:
        with self._lock:
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
