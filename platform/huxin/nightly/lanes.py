"""Reading several submissions at once, handed on in their order: a small file is too short to keep a core busy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from typing import TypeVar

from huxin.nightly.ahead import ahead

K = TypeVar("K")
T = TypeVar("T")

LANES = 2


class _End:
    """Comes behind the last item of a key."""


def in_lanes(
    keys: Sequence[K], items: Callable[[K], Iterator[T]], depth: int, weight: Callable[[T], int]
) -> Iterator[T]:
    """The items of each key in turn, made ahead in up to LANES threads until they weigh `depth` in each.

    The threads take turns at the keys. An exception of an item is raised here, in its place; whoever stops early
    stops the threads as well.
    """
    lanes = max(min(LANES, len(keys)), 1)

    def weigh(item: T | _End) -> int:
        return 0 if isinstance(item, _End) else weight(item)

    with ExitStack() as stack:
        streams = [
            stack.enter_context(closing(ahead(_marked(keys[lane::lanes], items), depth, weigh)))
            for lane in range(lanes)
        ]
        for place in range(len(keys)):
            for item in streams[place % lanes]:
                if isinstance(item, _End):
                    break
                yield item


def _marked(keys: Sequence[K], items: Callable[[K], Iterator[T]]) -> Iterator[T | _End]:
    for key in keys:
        yield from items(key)
        yield _End()
