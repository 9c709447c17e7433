"""Making the next item while the present one is worked on: reading and sorting leave the interpreter's lock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")

_PATIENCE = 0.1  # seconds after which a full queue looks whether anybody still waits for it


def ahead(items: Iterable[T], depth: int = 2) -> Iterator[T]:
    """The items in their order, up to `depth` of them made ahead in a thread of their own.

    An exception of theirs is raised here, in its place; whoever stops early stops the thread as well.
    """
    queue: Queue[tuple[bool, T | BaseException | None]] = Queue(depth)
    left = Event()
    maker = Thread(target=_make, args=(iter(items), queue, left), daemon=True)
    maker.start()
    try:
        while True:
            good, item = queue.get()
            if not good:
                if item is not None:
                    raise item  # type: ignore[misc]  # what was caught is raised
                return
            yield item  # type: ignore[misc]  # good ones are items
    finally:
        left.set()
        _drain(queue)
        maker.join()


def _make(items: Iterator[T], queue: Queue[tuple[bool, T | BaseException | None]], left: Event) -> None:
    try:
        for item in items:
            if not _put(queue, (True, item), left):
                return
        _put(queue, (False, None), left)
    except BaseException as error:
        _put(queue, (False, error), left)
    finally:
        close = getattr(items, "close", None)
        if close:
            close()


def _put(
    queue: Queue[tuple[bool, T | BaseException | None]],
    entry: tuple[bool, T | BaseException | None],
    left: Event,
) -> bool:
    while not left.is_set():
        try:
            queue.put(entry, timeout=_PATIENCE)
            return True
        except Full:
            continue
    return False


def _drain(queue: Queue[tuple[bool, T | BaseException | None]]) -> None:
    try:
        while True:
            queue.get_nowait()
    except Empty:
        return
