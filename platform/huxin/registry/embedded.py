"""The zero-setup PostgreSQL: made, started, found again, dumped and stopped below the platform's home.

It is reached over a socket in a folder that only its owner can enter; it outlives the process that
started it, until `stop`.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from huxin.errors import HuxinError
from huxin.registry import embedded_process as process
from huxin.registry.embedded_binaries import Binaries, found_binaries
from huxin.registry.embedded_config import render
from huxin.registry.embedded_files import (
    free_socket_dir,
    log_tail,
    password,
    rotate,
    socket_dir_for,
    write_atomically,
)
from huxin.settings import Settings

USER = "huxin"
REGISTRY = "huxin"
DEFAULT_PORT = 5432
START_TIMEOUT = 60.0

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Server:
    """A running server. `tcp_port` is None unless it listens on 127.0.0.1 too."""

    pid: int
    port: int
    socket_dir: Path
    data_dir: Path
    tcp_port: int | None = None

    def url(self, database: str = REGISTRY) -> str:
        """SQLAlchemy's address of a database, over the socket."""
        return f"postgresql+psycopg://{USER}@/{quote(database)}?{self._place()}"

    def uri(self, database: str = REGISTRY) -> str:
        """libpq's address of a database, over the socket (psycopg, ADBC, psql)."""
        return f"postgresql://{USER}@/{quote(database)}?{self._place()}"

    def tcp_url(self, database: str = REGISTRY) -> str:
        """SQLAlchemy's address over 127.0.0.1, password and all: not for logs. H0311 when TCP is off."""
        if self.tcp_port is None:
            raise HuxinError("H0311")
        secret = password(self.data_dir.parent)
        return f"postgresql+psycopg://{USER}:{secret}@127.0.0.1:{self.tcp_port}/{quote(database)}"

    def _place(self) -> str:
        return f"host={quote(str(self.socket_dir), safe='/')}&port={self.port}"


@dataclass(frozen=True)
class Status:
    """What is known of the embedded server without starting it."""

    running: bool
    data_dir: Path
    pid: int | None = None
    socket_dir: Path | None = None


def ensure_started(
    settings: Settings, tcp_port: int | None = None, progress: Callable[[str], None] | None = None
) -> Server:
    """The running server of this home; finds it, or makes and starts it.

    `tcp_port` (or HUXIN_PG_PORT) also opens 127.0.0.1 with a password. `progress` is told what is waited
    for. Raises HuxinError H0301 to H0311, each with what to do.
    """
    wanted = tcp_port or _port_of_environment()
    folder = _folder(settings)
    with _locked(folder):
        server = _found(folder)
        if server is None:
            server = _start(folder, wanted, progress or _logger.info)
        elif wanted not in (None, server.tcp_port):
            raise HuxinError("H0311")
    return server


def stop(settings: Settings) -> bool:
    """Stops the server of this home and removes its socket folder; False when none was running."""
    folder = settings.postgres_dir
    if not (folder / "data").is_dir():
        return False
    with _locked(folder):
        found = process.running(folder / "data")
        if found:
            process.end(found.pid, folder / "data")
        process.clear_orphans(folder / "data")
        free_socket_dir(folder)
    return found is not None


def status(settings: Settings) -> Status:
    """Whether a server of this home runs, and where."""
    data = settings.postgres_dir / "data"
    found = process.running(data) if data.is_dir() else None
    if found is None:
        return Status(running=False, data_dir=data)
    return Status(running=True, data_dir=data, pid=found.pid, socket_dir=found.socket_dir)


def dump(settings: Settings, path: Path) -> None:
    """Writes every database of the embedded server as plain SQL to `path`, whole or not at all (0600).

    Rows of unlogged tables (staging) are left out, as are passwords. Starts the server when it is
    stopped. Raises H0309 when it fails.
    """
    server = ensure_started(settings)
    major = _data_major(server.data_dir)
    tool = next(iter(found_binaries(major))).program("pg_dumpall")
    options = ["--no-role-passwords", "--no-unlogged-table-data", "--encoding=UTF8"]
    with write_atomically(path) as target:
        done = process.Launcher().run([tool, f"--dbname={server.uri('postgres')}", *options, "-f", target])
        if done.returncode != 0:
            raise HuxinError("H0309", path=path, reason=done.stderr.strip()[-500:])


def ensure_database(server: Server, name: str) -> None:
    """Makes database `name` unless it is there; safe when two do it at once."""
    with psycopg.connect(server.uri("postgres"), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            return
        with contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def _port_of_environment() -> int | None:
    text = os.environ.get("HUXIN_PG_PORT", "")
    return int(text) if text.isdigit() else None


def _folder(settings: Settings) -> Path:
    folder = settings.postgres_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError
    except OSError as error:
        raise HuxinError("H0304", folder=folder, reason=error.strerror or "permission denied") from None
    return folder


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time makes, starts or stops the server; the lock dies with its holder."""
    with (folder / "lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _found(folder: Path) -> Server | None:
    data = folder / "data"
    found = process.running(data) if data.is_dir() else None
    if found is None:
        return None
    if not found.ready or not (found.socket_dir / f".s.PGSQL.{found.port}").exists():
        # Half started by a caller that died, or its socket was swept away: only a new start helps.
        process.end(found.pid, data)
        return None
    return _server(folder, found)


def _server(folder: Path, found: process.PidFile) -> Server:
    listens = "listen_addresses = '127.0.0.1'" in (folder / "data" / "huxin.conf").read_text(encoding="utf-8")
    return Server(
        pid=found.pid,
        port=found.port,
        socket_dir=found.socket_dir,
        data_dir=folder / "data",
        tcp_port=found.port if listens else None,
    )


def _start(folder: Path, tcp_port: int | None, progress: Callable[[str], None]) -> Server:
    data, log = folder / "data", folder / "server.log"
    binaries, launcher = _means(folder, _data_major(data))
    if not data.is_dir():
        progress("initdb")
        _initialise(folder, binaries, launcher)
    process.clear_orphans(data)
    (data / "postmaster.pid").unlink(missing_ok=True)
    _configure(folder, binaries, tcp_port)
    rotate(log)
    process.hand_over(folder, launcher)
    begin = log.stat().st_size if log.exists() else 0
    name = f"cluster_name={process.mark(data)}"
    pid = launcher.spawn([binaries.program("postgres"), "-D", data, "-c", name], log)
    found = _await_ready(pid, data, log, begin, progress)
    server = _server(folder, found)
    if tcp_port:
        _set_password(server)
    return server


def _means(folder: Path, major: int | None) -> tuple[Binaries, process.Launcher]:
    """Programs, and a user who may run them here."""
    choices = found_binaries(major)
    for launcher in process.launchers(folder):
        for binaries in choices:
            if launcher.reaches(binaries.program("initdb"), folder.parent):
                return binaries, launcher
    raise HuxinError("H0305", folder=folder.parent, programs=choices[0].folder)


def _data_major(data: Path) -> int | None:
    version = data / "PG_VERSION"
    return int(version.read_text(encoding="ascii")) if version.exists() else None


def _initialise(folder: Path, binaries: Binaries, launcher: process.Launcher) -> None:
    """Makes the data folder beside its place and moves it there when whole, so that Ctrl-C leaves none."""
    draft = folder / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    process.hand_over(folder, launcher)
    locale = ["--locale=C"]
    if binaries.major >= 17:
        locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    options = ["--username", USER, "--encoding=UTF8", *locale, "--auth=trust", "--data-checksums"]
    done = launcher.run([binaries.program("initdb"), "-D", draft, *options])
    if done.returncode != 0:
        raise HuxinError("H0306", reason=(done.stderr or done.stdout).strip()[-500:])
    draft.rename(folder / "data")


def _configure(folder: Path, binaries: Binaries, tcp_port: int | None) -> None:
    data = folder / "data"
    port = tcp_port or DEFAULT_PORT
    sockets = socket_dir_for(folder, port)
    owner = data.stat()
    os.chown(sockets, owner.st_uid, owner.st_gid)
    text = render(sockets, port, tcp_port is not None, folder, binaries.knows_lz4())
    (data / "huxin.conf").write_text(text, encoding="utf-8")
    # The folder's mode is the lock: on a private socket the user has nothing to prove.
    rules = "local all all trust\n"
    if tcp_port is not None:
        rules += "host all all 127.0.0.1/32 scram-sha-256\n"
    (data / "pg_hba.conf").write_text(rules, encoding="utf-8")
    main = data / "postgresql.conf"
    if "include 'huxin.conf'" not in main.read_text(encoding="utf-8"):
        with main.open("a", encoding="utf-8") as handle:
            handle.write("\ninclude 'huxin.conf'\n")


def _await_ready(
    pid: int, data: Path, log: Path, begin: int, progress: Callable[[str], None]
) -> process.PidFile:
    """Waits until the server takes connections; recovery may last as long as it moves (its log grows)."""
    size, deadline = begin, time.monotonic() + START_TIMEOUT
    while True:
        found = process.read_pid_file(data)
        if found and found.pid == pid and found.ready and _answers(found):
            return found
        if not process.is_server(pid, data):
            raise HuxinError("H0307", log=log, tail=log_tail(log, begin))
        grown = log.stat().st_size
        if grown > size:
            size, deadline = grown, time.monotonic() + START_TIMEOUT
            progress(log_tail(log, begin, lines=1))
        if time.monotonic() > deadline:
            process.end(pid, data, timeout=10.0)
            raise HuxinError("H0307", log=log, tail=log_tail(log, begin))
        time.sleep(0.02)


def _answers(found: process.PidFile) -> bool:
    try:
        psycopg.connect(
            host=str(found.socket_dir), port=found.port, user=USER, dbname="postgres", connect_timeout=10
        ).close()
    except psycopg.OperationalError:
        return False
    return True


def _set_password(server: Server) -> None:
    """Gives the role its stored password, as a verifier: the server never sees the word itself."""
    secret = password(server.data_dir.parent)
    with psycopg.connect(server.uri("postgres"), autocommit=True) as connection:
        verifier = connection.pgconn.encrypt_password(secret.encode(), USER.encode(), b"scram-sha-256")
        change = sql.SQL("ALTER ROLE {} PASSWORD {}")
        connection.execute(change.format(sql.Identifier(USER), sql.Literal(verifier.decode())))
