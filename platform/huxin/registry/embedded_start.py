"""How the embedded server is made and started: programs, user, data folder, configuration, readiness."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from psycopg import conninfo, pq

from huxin.errors import HuxinError
from huxin.registry import embedded_process as process
from huxin.registry import embedded_users as users
from huxin.registry.embedded_binaries import Binaries, found_binaries
from huxin.registry.embedded_config import render
from huxin.registry.embedded_files import (
    SOCKET_RECORD,
    free_socket_dir,
    log_tail,
    rotate,
    size,
    socket_dir_for,
)

USER = "huxin"
DEFAULT_PORT = 5432
START_TIMEOUT = 60.0
# While a process becomes another program (exec) it has no title for a moment, which lasts on a busy machine.
NAMELESS = 2.0
INITDB_OPTIONS = ["--username", USER, "--encoding=UTF8", "--auth=trust", "--data-checksums"]
_INCLUDE = "include 'huxin.conf'"

Progress = Callable[[str], None]


def start(folder: Path, tcp_port: int | None, progress: Progress) -> process.PidFile:
    """Starts the server below `folder`, made first if need be; the caller holds the lock of `folder`.

    Raises HuxinError H0301 to H0310.
    """
    data, log = folder / "data", folder / "server.log"
    binaries, launcher = _means(folder, data_major(data))
    users.hand_over(folder, launcher)
    if not data.is_dir():
        progress("initdb")
        _initialise(folder, binaries, launcher)
    process.clear_orphans(data)
    # None of its processes lives, so its word counts no more; the server itself would take any process
    # that has got its number since for itself.
    (data / "postmaster.pid").unlink(missing_ok=True)
    _configure(folder, binaries, launcher, tcp_port)
    rotate(log)
    begin = size(log)
    name = f"cluster_name={process.mark(data)}"
    pid = launcher.spawn([binaries.program("postgres"), "-D", data, "-c", name], log)
    try:
        return await_ready(pid, folder, begin, progress)
    except HuxinError:
        if process.is_server(pid, data):
            process.end(pid, data, timeout=10.0)
        free_socket_dir(folder)
        raise


def await_ready(pid: int, folder: Path, begin: int, progress: Progress) -> process.PidFile:
    """Waits until the server takes connections; recovery may last as long as it moves (its log grows).

    Raises H0307 with the log's end when it dies, or is silent for START_TIMEOUT seconds.
    """
    data, log = folder / "data", folder / "server.log"
    seen, deadline = begin, time.monotonic() + START_TIMEOUT
    lived = time.monotonic()
    while True:
        found = process.read_pid_file(data)
        ready = found and found.pid == pid and found.state == "ready" and _answers(found)
        grown = size(log)
        if grown > seen:
            seen, deadline = grown, time.monotonic() + START_TIMEOUT
            progress(log_tail(log, begin, lines=1))
        if found and ready:
            return found
        if process.is_server(pid, data):
            lived = time.monotonic()
        if time.monotonic() > min(deadline, lived + NAMELESS):
            raise HuxinError("H0307", log=log, tail=log_tail(log, begin))
        time.sleep(0.02)


def data_major(data: Path) -> int | None:
    """The major version that made a data folder; None while there is none."""
    version = data / "PG_VERSION"
    return int(version.read_text(encoding="ascii")) if version.exists() else None


def _means(folder: Path, major: int | None) -> tuple[Binaries, users.Launcher]:
    """Programs, and a user who may run them here."""
    choices = found_binaries(major)
    for launcher in users.launchers(folder):
        for binaries in choices:
            if launcher.reaches(binaries.program("initdb"), folder.parent):
                return binaries, launcher
    raise HuxinError("H0305", folder=folder.parent, programs=choices[0].folder)


def _initialise(folder: Path, binaries: Binaries, launcher: users.Launcher) -> None:
    """Makes the data folder beside its place and moves it there when whole, so that Ctrl-C leaves none."""
    draft = folder / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    locale = ["--locale=C"]
    if binaries.major >= 17:
        locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    done = launcher.run([binaries.program("initdb"), "-D", draft, *INITDB_OPTIONS, *locale])
    if done.returncode != 0:
        raise HuxinError("H0306", reason=(done.stderr or done.stdout).strip()[-500:])
    draft.rename(folder / "data")


def _configure(folder: Path, binaries: Binaries, launcher: users.Launcher, tcp_port: int | None) -> None:
    data = folder / "data"
    port = tcp_port or DEFAULT_PORT
    free_socket_dir(folder)
    sockets = socket_dir_for(folder, port)
    if sockets.parent != folder:
        launcher.write(folder / SOCKET_RECORD, str(sockets))
    owner = data.stat()
    os.chown(sockets, owner.st_uid, owner.st_gid)
    text = render(sockets, port, tcp_port is not None, folder, binaries.knows_lz4())
    launcher.write(data / "huxin.conf", text)
    # The folder's mode is the lock: on a private socket the user has nothing to prove.
    rules = "local all all trust\n"
    if tcp_port is not None:
        rules += "host all all 127.0.0.1/32 scram-sha-256\n"
    launcher.write(data / "pg_hba.conf", rules)
    main = (data / "postgresql.conf").read_text(encoding="utf-8")
    if _INCLUDE not in main:
        launcher.write(data / "postgresql.conf", f"{main}\n{_INCLUDE}\n")


def _answers(found: process.PidFile) -> bool:
    """Whether it talks; one whose connections are all taken does."""
    place = conninfo.make_conninfo(
        "", host=str(found.socket_dir), port=found.port, user=USER, connect_timeout=5
    )
    return pq.PGconn.ping(place.encode()) == pq.Ping.OK
