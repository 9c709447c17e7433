"""Processes of the embedded server: which they are, whether they live, and their end."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from huxin.errors import HuxinError

_LINUX = Path("/proc/self/comm")
# What a starting server is called, one after the other.
_NAMES = {"sh", "dash", "bash", "busybox", "unshare", "postgres"}


@dataclass(frozen=True)
class PidFile:
    """What a server writes of itself into postmaster.pid (PostgreSQL: miscadmin.h, LOCK_FILE_LINE_*)."""

    pid: int
    port: int
    socket_dir: Path
    listens: bool  # on TCP
    state: str  # starting, ready, standby, stopping

    @property
    def socket(self) -> Path:
        return self.socket_dir / f".s.PGSQL.{self.port}"


def read_pid_file(data: Path) -> PidFile | None:
    """The pid file below `data`; None while it is absent or not yet complete."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        return PidFile(
            pid=int(lines[0]),
            port=int(lines[3]),
            socket_dir=Path(lines[4]),
            listens=len(lines) > 5 and bool(lines[5].strip()),
            state=lines[7].strip() if len(lines) > 7 else "starting",
        )
    except (FileNotFoundError, ValueError, IndexError):
        return None


def mark(data: Path) -> str:
    """The cluster name of the server on `data`; it shows in the title of each of its processes.

    Made of device and inode, so it stays when the home is moved and never fits another home.
    """
    found = data.stat()
    return f"huxin-{found.st_dev:x}-{found.st_ino:x}"


def running(data: Path) -> PidFile | None:
    """The server that serves `data`, if it lives; a stale file or a number used again counts as none."""
    found = read_pid_file(data)
    return found if found and is_server(found.pid, data) else None


def is_server(pid: int, data: Path) -> bool:
    """Whether process `pid` lives and is the server on `data`, one of its children, or about to become it.

    Reads what any user may read: in containers root may lack the right to look deeper into others' processes.
    """
    try:
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
        title = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return not _LINUX.exists() and _answers_signals(pid)
    return name in _NAMES and mark(data).encode() in title


def server_processes(data: Path) -> list[int]:
    """All live processes of the server on `data`, orphans of a killed one among them."""
    if not _LINUX.exists():
        known = read_pid_file(data)
        return [known.pid] if known and _answers_signals(known.pid) else []
    numbers = (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))
    return [pid for pid in numbers if is_server(pid, data)]


def _answers_signals(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def end(pid: int, data: Path, timeout: float = 120.0, harder: float = 10.0) -> None:
    """Stops the server `pid` fast but clean within `timeout` seconds, then at once within `harder`.

    Raises H0308 when it does not end: killing it is a person's choice.
    """
    for number, seconds in ((signal.SIGINT, timeout), (signal.SIGQUIT, harder)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        if wait_gone(data, seconds):
            return
    raise HuxinError("H0308", pid=pid)


def clear_orphans(data: Path) -> None:
    """Ends what a killed server left behind: it must be gone before another may start on `data`."""
    # Idle ones notice at once that their server is gone; busy ones only when their statement ends.
    if wait_gone(data, 1.0):
        return
    # One that is killed goes when the machine comes to it: it may have much to give back.
    for number, seconds in ((signal.SIGQUIT, 5.0), (signal.SIGKILL, 60.0)):
        for pid in server_processes(data):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if wait_gone(data, seconds):
            return
    raise HuxinError("H0308", pid=server_processes(data))


def wait_gone(data: Path, seconds: float) -> bool:
    """Waits until no process of the server on `data` is left; False when `seconds` have passed."""
    deadline = time.monotonic() + seconds
    while server_processes(data):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
