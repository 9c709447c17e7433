"""Where the time of a night goes, stage by stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")


class Timings(dict[str, float]):
    """Seconds by stage, summed over batches."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time of the block to a stage."""
        start = perf_counter()
        try:
            yield
        finally:
            self[name] = self.get(name, 0.0) + perf_counter() - start

    def each(self, name: str, items: Iterable[T]) -> Iterator[T]:
        """Passes items on and adds the time it takes to produce them to a stage."""
        iterator = iter(items)
        while True:
            start = perf_counter()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self[name] = self.get(name, 0.0) + perf_counter() - start
            yield item
            del item  # or it would be held while the next one is made
