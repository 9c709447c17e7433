"""Files that are wholly there or not at all, readable by their owner only."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from huxin_privacy.errors import PrivacyError


def temporary_beside(path: Path) -> Path:
    """A new name in the folder of `path`, hidden and unguessable."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")


def open_private(path: Path) -> int:
    """A descriptor on a new file of mode 0600, whatever the umask; it must not exist."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o600)
    if hasattr(os, "fchmod"):  # not on Windows, where a folder's access list says who may read
        os.fchmod(descriptor, 0o600)
    return descriptor


def read_private(path: Path) -> bytes:
    """The content of a file that only its owner can read: PrivacyError P0111 for one of a wider mode than 0600."""
    with path.open("rb") as file:
        # Of the opened file, not of the name: nobody can swap it in between.
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o177:
            raise PrivacyError("P0111", path=path, mode=f"{mode:04o}")
        return file.read()


def write_atomic(path: Path, content: bytes, *, replace: bool = True, fsync: bool = True) -> None:
    """Put `content` at `path` (0600): after a kill or a power cut the old or the new file is there.

    With `replace` off an existing file stays and FileExistsError is raised.
    """
    temporary = temporary_beside(path)
    try:
        with os.fdopen(open_private(temporary), "wb") as file:
            file.write(content)
            file.flush()
            if fsync:
                os.fsync(file.fileno())
        put_in_place(temporary, path, replace=replace, fsync=fsync)
    finally:
        temporary.unlink(missing_ok=True)


def put_in_place(temporary: Path, path: Path, *, replace: bool = True, fsync: bool = True) -> None:
    """Give a finished file its name; `replace` and FileExistsError as in `write_atomic`."""
    if replace:
        temporary.replace(path)
    else:
        path.hardlink_to(temporary)  # unlike a rename, a link never replaces
        temporary.unlink()
    if fsync:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names given or removed in `folder` durable; Windows does it by itself and opens no folders."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
