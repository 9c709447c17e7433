"""Making the next items while the present one is worked on: reading and sorting leave the interpreter's lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from threading import Condition, Thread
from typing import Generic, TypeVar

T = TypeVar("T")


def ahead(
    items: Iterable[T], depth: int = 2, weight: Callable[[T], int] = lambda item: 1
) -> Generator[T, None, None]:
    """The items in their order, made ahead in a thread of their own until they weigh `depth` together.

    An exception of theirs is raised here, in its place; whoever stops early stops the thread as well.
    """
    shelf: _Shelf[T] = _Shelf(depth)
    maker = Thread(target=_make, args=(iter(items), shelf, weight), daemon=True)
    maker.start()
    try:
        yield from shelf.taken()
    finally:
        shelf.leave()
        maker.join()


class _Shelf(Generic[T]):
    """Where one thread puts what another takes; full when what lies there weighs `most`, but one item has room."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lies: deque[tuple[T, int]] = deque()
        self._weight = 0
        self._ended = self._left = False
        self._fault: BaseException | None = None
        self._changed = Condition()

    def put(self, item: T, weight: int) -> bool:
        """Waits for room; False when nobody will take it."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._left or not self._lies or self._weight + weight <= self._most
            )
            self._lies.append((item, weight))
            self._weight += weight
            self._changed.notify()
            return not self._left

    def end(self, fault: BaseException | None = None) -> None:
        """Nothing more comes, because of `fault` if there is one."""
        with self._changed:
            self._ended, self._fault = True, fault
            self._changed.notify()

    def taken(self) -> Iterator[T]:
        """What is put here, until the end; raises the fault that ended it."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or bool(self._lies))
                if not self._lies:
                    break
                item, weight = self._lies.popleft()
                self._weight -= weight
                self._changed.notify()
            yield item
            del item  # or it would be held while the next one is waited for
        if self._fault is not None:
            raise self._fault

    def leave(self) -> None:
        """Nobody takes anything any more."""
        with self._changed:
            self._left = True
            self._lies.clear()
            self._changed.notify()


def _make(items: Iterator[T], shelf: _Shelf[T], weight: Callable[[T], int]) -> None:
    fault: BaseException | None = None
    try:
        for item in items:
            if not shelf.put(item, weight(item)):
                break
            del item
    except BaseException as error:
        fault = error
    finally:
        close = getattr(items, "close", None)
        if close:
            close()
        shelf.end(fault)
