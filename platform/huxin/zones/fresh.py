"""What is made of keyrings and cards, made anew when one of them has changed: a service outlives a rotation."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

from huxin.settings import Settings
from huxin.zones import blind
from huxin.zones.roles import ENTRY, RINGS, ROLES
from huxin_privacy import keyring

T = TypeVar("T")
_State = tuple[int, int] | None


class Fresh(Generic[T]):
    """The last thing made for a zone, as long as its keyrings and the peers' cards are what they were."""

    def __init__(self, make: Callable[[], T], zone: str) -> None:
        self._make, self._zone = make, zone
        self._lock = threading.Lock()
        self._made: tuple[list[_State], T] | None = None

    def now(self, settings: Settings) -> T:
        """What was made, or what is made now. Raises what making it raises."""
        seen = [_state(file) for file in self._files(settings)]
        made = self._made
        if made and made[0] == seen:
            return made[1]
        with self._lock:
            if not self._made or self._made[0] != seen:
                self._made = seen, self._make()
            return self._made[1]

    def _files(self, settings: Settings) -> Iterator[Path]:
        for ring in RINGS[self._zone]:
            yield keyring.keyring_path(settings.keys_dir, ring)
        for zone in ROLES:
            yield settings.home / "zone" / f"{zone}.card.json"
        if self._zone == ENTRY:
            yield settings.home / "zone" / blind.FILE


def _state(file: Path) -> _State:
    """A file's number and the time of its last change; None where there is none."""
    try:
        found = os.stat(file)  # noqa: PTH116  a Path's own takes twice the time
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
