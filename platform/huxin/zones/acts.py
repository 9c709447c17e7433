"""What a zone without a log of its own did with its keys, until the registry zone has it in the log.

    acts/acts.json   known: how the last act left each epoch, by keyring      waiting: acts that are not in the log yet

An act stands here before anybody is told of it, and goes when the registry zone has said that it holds it. Killed in
between, it is sent again: each has a number (UUIDv7) by which it is taken once.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from huxin import faults
from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.settings import Settings
from huxin.zones.calls import Peer
from huxin.zones.layout import required
from huxin.zones.roles import ENTRY, INTAKE, REGISTRY
from huxin_privacy.files import write_atomic

FOLDER: Final = "acts"
FILE: Final = "acts.json"
PATH: Final = "/zone/acts"
MOST: Final = 100  # acts in one call
_SECONDS: Final = 20.0


@dataclass
class Book:
    """The file as it was read. `known` is (state, check value) of each epoch of a keyring."""

    folder: Path
    known: dict[str, dict[int, tuple[str, str]]] = field(default_factory=dict)
    waiting: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def read(cls, settings: Settings) -> Book:
        """An empty one where there is none. HuxinError H1722."""
        folder = settings.home / FOLDER
        try:
            said = json.loads((folder / FILE).read_bytes())
            known = {
                ring: {int(epoch): (str(state), str(check)) for epoch, (state, check) in epochs.items()}
                for ring, epochs in said["known"].items()
            }
            return cls(folder, known, list(said["waiting"]))
        except FileNotFoundError:
            return cls(folder)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise HuxinError("H1722", file=FILE) from None

    def note(self, topic: str, facts: Mapping[str, Any], at: str) -> None:
        """An act that is to go into the log. `save` makes it last."""
        self.waiting.append({"id": str(new_id()), "topic": topic, "at": at, "facts": dict(facts)})

    def save(self) -> None:
        """Puts it on disk; after a kill or a power cut the old or the new one is there."""
        said = {"known": self.known, "waiting": self.waiting}
        write_atomic(self.folder / FILE, json.dumps(said, indent=1).encode())


@contextmanager
def turn(settings: Settings) -> Iterator[Book]:
    """The book, for one process at a time. HuxinError H1708, H1709 (a zone with a log of its own), H1722."""
    required(settings, ENTRY, INTAKE)
    folder = settings.home / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Book.read(settings)


def deliver(settings: Settings) -> int:
    """Sends what waits to the registry zone; how many acts wait still, which is told them later.

    HuxinErrors of the call (H1710: the registry zone's address is not known, H1712, H1713, H1714), H1722.
    """
    with turn(settings) as book:
        while book.waiting:
            part = book.waiting[:MOST]
            _send(settings, part)
            faults.reach("acts.sent")
            book.waiting = book.waiting[len(part) :]
            book.save()
        return 0


def delivered(settings: Settings) -> int:
    """As `deliver`, for whoever has done what was to be done: the registry zone may be away. How many acts wait."""
    with suppress(HuxinError):
        return deliver(settings)
    return len(waiting(settings))


def waiting(settings: Settings) -> list[dict[str, Any]]:
    """The acts that are not known to be in the log. HuxinError H1722."""
    return Book.read(settings).waiting


def _send(settings: Settings, acts: list[dict[str, Any]]) -> None:
    """Has the registry zone take acts; those that it has already are no fault."""
    body = json.dumps({"acts": acts}).encode()
    Peer(required(settings, ENTRY, INTAKE), REGISTRY).call("POST", PATH, body, seconds=_SECONDS)
