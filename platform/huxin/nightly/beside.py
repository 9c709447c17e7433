"""Work beside the main thread: something made soon to be needed, and errands on a connection of their own.

The database and the compiled loops leave the interpreter's lock, so that worker and server are busy at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


def soon(make: Callable[[], T]) -> Callable[[], T]:
    """Begins to make something in a thread of its own; what is returned waits for it, and raises what it raised."""
    pool = ThreadPoolExecutor(1)
    made = pool.submit(make)
    pool.shutdown(wait=False)
    return made.result


class Errands:
    """What is sent is done by one thread, in its order; after an errand that failed none is begun."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._sent: list[Future[None]] = []

    def send(self, errand: Callable[[], None]) -> None:
        """Adds an errand."""
        self._sent.append(self._pool.submit(_after, self._sent[-1:], errand))

    def follow(self, errand: Callable[[], None]) -> None:
        """Adds an errand when those before it are done, so that at most one holds what it works on."""
        self.wait()
        self.send(errand)

    def wait(self) -> None:
        """Returns when all are done; raises what the first that failed has raised."""
        while self._sent:
            self._sent.pop(0).result()


@contextmanager
def errands() -> Iterator[Errands]:
    """Errands of this block; it is left when the one that is being done has ended, and the others are dropped."""
    pool = ThreadPoolExecutor(1)
    try:
        yield Errands(pool)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _after(before: list[Future[None]], errand: Callable[[], None]) -> None:
    for each in before:
        each.result()  # its error is this errand's as well
    errand()
