"""Files round the embedded server: its socket folder, log, password and atomic writes."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from huxin.errors import HuxinError

# sun_path has 108 bytes, the last of them zero (unix(7)); macOS has 104.
_LONGEST_SOCKET = 103
# Other characters need quoting in three places (server, libpq, URLs): such homes get a folder elsewhere.
_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")
# Tells a later start or stop of a socket folder that lies elsewhere.
SOCKET_RECORD = "socket_dir"
_LOG_LIMIT = 16 * 1024 * 1024


def socket_dir_for(folder: Path, port: int) -> Path:
    """Makes a folder (0700) for the socket: below `folder`, or below the temporary directory where the path
    is too long, not plain, or on a file system without sockets.

    Raises H0310 when no temporary directory is short enough.
    """
    near = folder / "run"
    if _fits(near, port):
        near.mkdir(mode=0o700)
        if _takes_sockets(near):
            return near
        near.rmdir()
    for base in (tempfile.gettempdir(), "/tmp", "/dev/shm"):  # noqa: S108  # 0700 folders of our own
        if _fits(Path(base) / "huxin-xxxxxxxx", port) and os.access(base, os.W_OK | os.X_OK):
            return Path(tempfile.mkdtemp(prefix="huxin-", dir=base))
    raise HuxinError("H0310", folder=folder)


def free_socket_dir(folder: Path) -> None:
    """Removes the socket folder; a recorded one only if it is a real folder, private and of our make."""
    shutil.rmtree(folder / "run", ignore_errors=True)
    record = folder / SOCKET_RECORD
    with contextlib.suppress(FileNotFoundError):
        far = Path(record.read_text(encoding="utf-8"))
        if _is_ours(far, folder):
            shutil.rmtree(far, ignore_errors=True)
        record.unlink()


def _is_ours(far: Path, folder: Path) -> bool:
    try:
        found = far.lstat()
    except OSError:
        return False
    private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700
    owners = {os.geteuid(), folder.stat().st_uid}
    return private and found.st_uid in owners and far.name.startswith("huxin-")


def _takes_sockets(folder: Path) -> bool:
    """Whether a socket can be made here: some shared and foreign file systems have none."""
    probe = folder / "probe"
    with socket.socket(socket.AF_UNIX) as opened:
        try:
            opened.bind(str(probe))
        except OSError:
            return False
    probe.unlink()
    return True


def _fits(place: Path, port: int) -> bool:
    path = str(place / f".s.PGSQL.{port}")
    return len(os.fsencode(path)) <= _LONGEST_SOCKET and _PLAIN.fullmatch(path) is not None


def rotate(log: Path) -> None:
    """Keeps one older log beside a new one once it has grown large."""
    if size(log) > _LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))


def size(path: Path) -> int:
    """Bytes of a file; 0 while it is absent."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def log_tail(log: Path, begin: int = 0, lines: int = 8) -> str:
    """The last lines written to `log` after byte `begin`."""
    if not log.exists():
        return ""
    with log.open("rb") as handle:
        handle.seek(max(begin, size(log) - 8192))
        text = handle.read().decode("utf-8", "replace")
    return "\n".join(text.splitlines()[-lines:])


def password(folder: Path) -> str:
    """The password for TCP, made once and kept in a file that only its owner can read."""
    path = folder / "password"
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(secrets.token_urlsafe(32))
    return path.read_text(encoding="ascii")


@contextlib.contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """A draft beside `path` (0600) to write to; it takes its place when the block ends well."""
    path.absolute().parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.absolute().parent)
    os.close(descriptor)
    draft = Path(name)
    try:
        yield draft
        with draft.open("rb") as handle:
            os.fsync(handle.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
