"""Processes of the embedded server: who may run it, whether it lives, and how it is started and ended."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from huxin.errors import HuxinError

# Starts a command in the background and prints its process number: the server becomes nobody's child,
# so that its caller neither waits for it nor keeps a dead entry of it.
_SPAWN = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'
_REACH = 'test -x "$1" && test -x "$2"'


@dataclass(frozen=True)
class Launcher:
    """How to become a user that PostgreSQL accepts (it refuses uid 0)."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def run(self, args: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end and returns it with its output as text."""
        groups: list[int] | None = None if self.uid is None else []
        return subprocess.run(
            [*self.prefix, *map(str, args)],
            user=self.uid,
            group=self.gid,
            extra_groups=groups,
            env=clean_environment(),
            umask=0o077,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            check=False,
        )

    def spawn(self, args: Sequence[str | Path], log: Path) -> int:
        """Starts a command in a session of its own, writing to `log`; returns its process number."""
        return int(self.run(["/bin/sh", "-c", _SPAWN, "sh", log, *args]).stdout)

    def reaches(self, program: Path, folder: Path) -> bool:
        """Whether this user may run `program` and enter `folder`."""
        return self.run(["/bin/sh", "-c", _REACH, "sh", program, folder]).returncode == 0


def clean_environment() -> dict[str, str]:
    """The server's environment: nothing of the caller's PG* variables, locale or secrets."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def launchers(folder: Path) -> Iterator[Launcher]:
    """Ways to run a server on `folder`, best first.

    An ordinary user runs it directly. Root does so in a user namespace (no account, no change of owner,
    also below a 0700 folder), and where namespaces are off as the unprivileged owner of the folder,
    of a folder above it, or as nobody.
    """
    me, owner = os.geteuid(), folder.stat().st_uid
    if me != 0:
        yield Launcher() if _has_account(me) else _namespace()
        return
    if owner == 0 and namespaces_work():
        yield _namespace()
    yield from (Launcher(uid=uid, gid=_group_of(uid)) for uid in _unprivileged(folder))


def namespaces_work() -> bool:
    """Whether this process may open a user namespace with another uid in it."""
    if shutil.which("unshare") is None:
        return False
    return _namespace().run(["/bin/true"]).returncode == 0


def hand_over(folder: Path, launcher: Launcher) -> None:
    """Gives `folder` and all below to the launcher's user, where that is another than its owner."""
    if launcher.uid is None or folder.stat().st_uid == launcher.uid:
        return
    gid = -1 if launcher.gid is None else launcher.gid
    for parent, _, files in os.walk(folder):
        for path in (parent, *(os.path.join(parent, name) for name in files)):  # noqa: PTH118
            os.chown(path, launcher.uid, gid, follow_symlinks=False)


def _namespace() -> Launcher:
    # initdb looks its user up in the password file, so the uid inside must be one that stands there.
    names = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0}
    uid = next((names[name] for name in ("postgres", "nobody") if name in names), 1000)
    return Launcher(prefix=("unshare", "--user", f"--map-user={uid}", f"--map-group={uid}", "--"))


def _unprivileged(folder: Path) -> Iterator[int]:
    owners = (path.stat().st_uid for path in (folder, *folder.parents))
    above = next((uid for uid in owners if uid != 0 and _has_account(uid)), None)
    if above is not None:
        yield above
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            yield pwd.getpwnam(name).pw_uid


def _has_account(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _group_of(uid: int) -> int:
    return pwd.getpwuid(uid).pw_gid


@dataclass(frozen=True)
class PidFile:
    """What a server writes of itself into postmaster.pid (PostgreSQL: miscadmin.h, LOCK_FILE_LINE_*)."""

    pid: int
    port: int
    socket_dir: Path
    ready: bool


def read_pid_file(data: Path) -> PidFile | None:
    """The pid file below `data`; None while it is absent or not yet complete."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        return PidFile(
            pid=int(lines[0]),
            port=int(lines[3]),
            socket_dir=Path(lines[4]),
            ready=len(lines) > 7 and lines[7].strip() == "ready",
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
    """Whether process `pid` lives and is the server on `data` or one of its children."""
    try:
        title = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return not Path("/proc/self").exists() and _answers_signals(pid)
    return mark(data).encode() in title


def server_processes(data: Path) -> list[int]:
    """All live processes of the server on `data`, orphans of a killed one among them."""
    numbers = (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))
    return [pid for pid in numbers if pid != os.getpid() and is_server(pid, data)]


def _answers_signals(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def end(pid: int, data: Path, timeout: float = 120.0) -> None:
    """Stops the server `pid` fast but clean, and in need at once. Raises H0308 when it does not end."""
    for number, seconds in ((signal.SIGINT, timeout), (signal.SIGQUIT, 10.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        if wait_gone(data, seconds):
            return
    raise HuxinError("H0308", pid=pid)


def clear_orphans(data: Path) -> None:
    """Ends what a killed server left behind: it must be gone before another may start on `data`."""
    if wait_gone(data, 5.0):
        return
    for number in (signal.SIGQUIT, signal.SIGKILL):
        for pid in server_processes(data):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if wait_gone(data, 5.0):
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
