"""How many of one kind may be under way in a process at once, and one caller's of them: the others' threads stay free.

What takes as long as its sender likes would otherwise hold every thread, and an enquiry would wait for a file.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Safe to share between threads. Nobody waits for a turn: who gets none is told so at once."""

    def __init__(self, most: int, each: int) -> None:
        """Up to `most` at once, and up to `each` of one caller; of either one at least, or nobody would get through."""
        self._most, self._each = max(most, 1), max(each, 1)
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def turn(self, who: str = "") -> Iterator[bool]:
        """Whether there was a turn; it ends with the block, however that does."""
        taken = self._take(who)
        try:
            yield taken
        finally:
            if taken:
                self._give_back(who)

    def _take(self, who: str) -> bool:
        with self._lock:
            if self._under_way[who] >= self._each or self._under_way.total() >= self._most:
                return False
            self._under_way[who] += 1
            return True

    def _give_back(self, who: str) -> None:
        with self._lock:
            self._under_way[who] -= 1
            if not self._under_way[who]:
                del self._under_way[who]
