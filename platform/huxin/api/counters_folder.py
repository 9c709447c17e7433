"""The folder in which a server's processes keep their counters while it runs."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "huxin-counters-"
_YOUNG_S = 60.0  # one that is younger may have been made and not yet been locked


@contextmanager
def counters_folder() -> Iterator[Path]:
    """A folder of its own below the temporary one, removed afterwards; those of killed servers are removed at once."""
    place = Path(tempfile.gettempdir())
    for old in place.glob(_PREFIX + "*"):
        with suppress(OSError):
            _remove_forsaken(old)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    # Its workers have the lock as well, by the fork: it goes with the last of them.
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _remove_forsaken(folder: Path) -> None:
    """OSError where somebody still has it, or it is another user's."""
    if time.time() - folder.stat().st_mtime < _YOUNG_S or folder.is_symlink():
        return
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    finally:
        os.close(lock)
