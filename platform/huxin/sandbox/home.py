"""The sandbox's own surroundings: a home below the real one, and nothing that leads to the real registry."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from huxin.errors import HuxinError
from huxin.settings import Settings

# By their beginnings: what would lead to the real database, its port, keys or inbox; and a clock that stands still,
# for clients prove themselves by the time of day.
_REAL = ("HUXIN_DATABASE_URL", "HUXIN_PG_PORT", "HUXIN_INBOX", "HUXIN_KEK_", "HUXIN_NOW")
FOLDER = "sandbox"


def sandbox_environment(env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a process of the sandbox: the home below HUXIN_HOME, its own server and keys."""
    kept = {name: value for name, value in env.items() if not name.startswith(_REAL)}
    home = Path(env.get("HUXIN_HOME") or ".huxin").absolute() / FOLDER
    return kept | {"HUXIN_HOME": str(home)}


def enter() -> Settings:
    """Makes this process and what it starts one of the sandbox's; gives its settings. Once a process."""
    env = sandbox_environment()
    os.environ.clear()
    os.environ.update(env)
    return Settings.from_env()


@contextmanager
def in_turn(settings: Settings) -> Iterator[None]:
    """One process at a time builds; the lock dies with its holder."""
    handle = _lock_file(settings, "building.lock")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def served_alone(settings: Settings, address: str) -> Iterator[None]:
    """The one server of this home, at `address`: a second would make the registry anew under the first one's callers.

    Workers are forked with the lock, so it lasts as long as anybody answers, and dies with the last however that ends.
    HuxinError H1141 where another one serves, which says where.
    """
    handle = _lock_file(settings, "serving.lock")
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            where = os.pread(handle, 256, 0).decode(errors="replace")
            raise HuxinError("H1141", home=settings.home, address=where or "-") from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, address.encode(), 0)
        yield
    finally:
        os.close(handle)


def _lock_file(settings: Settings, name: str) -> int:
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Closed to what is executed: neither the database server nor a command beside it keeps the lock.
    return os.open(settings.home / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
