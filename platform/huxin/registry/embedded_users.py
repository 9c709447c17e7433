"""Users that may run PostgreSQL, which refuses root: oneself, root in a namespace, or a lesser one."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
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

    def run(
        self, args: Sequence[str | Path], text: str = "", environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end, with `text` as its input, and returns it with its output as text."""
        groups: list[int] | None = None if self.uid is None else []
        return subprocess.run(
            [*self.prefix, *map(str, args)],
            user=self.uid,
            group=self.gid,
            extra_groups=groups,
            env={**clean_environment(), **(environment or {})},
            umask=0o077,
            cwd="/",
            input=text,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            check=False,
        )

    def spawn(self, args: Sequence[str | Path], log: Path) -> int:
        """Starts a command in a session of its own, writing to `log`; returns its process number."""
        return int(self.run(["/bin/sh", "-c", _SPAWN, "sh", log, *args]).stdout)

    def write(self, path: Path, text: str) -> None:
        """Writes a file as this user: root never follows a link that a lesser user may have laid."""
        done = self.run(["/bin/sh", "-c", 'cat >"$1"', "sh", path], text)
        if done.returncode != 0:
            raise HuxinError("H0304", folder=path.parent, reason=done.stderr.strip()[-200:])

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
        for path in (parent, *(os.path.join(parent, name) for name in files)):  # noqa: PTH118  # thousands of files
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
