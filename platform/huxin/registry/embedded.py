"""The zero-setup PostgreSQL: made, started, found again, dumped and stopped below the platform's home.

It is reached over a socket in a folder that only its owner can enter; it outlives the process that
started it, until `stop`.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import conninfo, sql

from huxin.errors import HuxinError
from huxin.registry import embedded_process as process
from huxin.registry.embedded_binaries import found_binaries
from huxin.registry.embedded_files import free_socket_dir, password, size, write_atomically
from huxin.registry.embedded_start import USER, Progress, await_ready, data_major, start
from huxin.registry.embedded_users import Launcher
from huxin.settings import Settings

REGISTRY = "huxin"
_SCHEME = re.compile(r"^postgres(ql)?(\+\w+)?://")

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
        """libpq's address of a database, over the socket (psycopg, psql)."""
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
    settings: Settings, tcp_port: int | None = None, progress: Progress | None = None
) -> Server:
    """The running server of this home; finds it, or makes and starts it.

    `tcp_port` (or HUXIN_PG_PORT) also opens 127.0.0.1 with a password. `progress` is told what is waited
    for. Raises HuxinError H0301 to H0311, each with what to do.
    """
    wanted = tcp_port or _port_of_environment()
    folder = _folder(settings)
    with _locked(folder):
        tell = progress or _logger.info
        server = _found(folder, tell)
        if server is None:
            server = _server(folder, start(folder, wanted, tell))
            if wanted:
                _set_password(server)
        if wanted not in (None, server.tcp_port):
            raise HuxinError("H0311")
    return server


def stop(settings: Settings) -> bool:
    """Stops the server of this home and removes its socket folder; False when none was running."""
    folder = settings.postgres_dir
    if not _has_data(folder):
        return False
    data = folder / "data"
    with _locked(folder):
        found = process.running(data)
        if found:
            process.end(found.pid, data)
        process.clear_orphans(data)
        free_socket_dir(folder)
    return found is not None


def status(settings: Settings) -> Status:
    """Whether a server of this home runs, and where."""
    data = settings.postgres_dir / "data"
    found = process.running(data) if _has_data(settings.postgres_dir) else None
    if found is None:
        return Status(running=False, data_dir=data)
    return Status(running=True, data_dir=data, pid=found.pid, socket_dir=found.socket_dir)


def dump(settings: Settings, path: Path) -> None:
    """Writes databases as plain SQL to `path` (0600), whole or not at all.

    Of the embedded server (started when needed) every database and role; of HUXIN_DATABASE_URL that one
    database. Rows of unlogged tables (staging) are left out, as are passwords. Raises H0309 when it fails.
    """
    if settings.database_url is not None:
        _dump("pg_dump", None, libpq_uri(settings.database_url), [], path)
        return
    server = ensure_started(settings)
    _dump("pg_dumpall", data_major(server.data_dir), server.uri("postgres"), ["--no-role-passwords"], path)


def _dump(tool: str, major: int | None, uri: str, options: list[str], path: Path) -> None:
    program = found_binaries(major)[0].program(tool)
    # In the argument list everybody could read the password.
    parts = conninfo.conninfo_to_dict(uri)
    secret = {"PGPASSWORD": str(parts.pop("password"))} if parts.get("password") else {}
    place = conninfo.make_conninfo("", **parts)
    shared = ["--no-unlogged-table-data", "--encoding=UTF8", f"--dbname={place}"]
    try:
        with write_atomically(path) as target:
            done = Launcher().run([program, *options, *shared, "-f", target], environment=secret)
            if done.returncode != 0:
                raise HuxinError("H0309", path=path, reason=done.stderr.strip()[-500:])
    except OSError as error:
        raise HuxinError("H0309", path=path, reason=error.strerror) from None


def libpq_uri(url: str) -> str:
    """A database's address for libpq, from one that may name a driver. H0312 if not PostgreSQL's."""
    if not _SCHEME.match(url):
        raise HuxinError("H0312")
    return _SCHEME.sub("postgresql://", url)


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
        raise _unusable(folder, error) from None
    return folder


def _has_data(folder: Path) -> bool:
    try:
        return stat.S_ISDIR((folder / "data").stat().st_mode)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unusable(folder, error) from None


def _unusable(folder: Path, error: OSError) -> HuxinError:
    return HuxinError("H0304", folder=folder, reason=error.strerror or "permission denied")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process at a time makes, starts or stops the server; the lock dies with its holder."""
    try:
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(folder, error) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _found(folder: Path, progress: Progress) -> Server | None:
    data = folder / "data"
    found = process.running(data) if _has_data(folder) else None
    if found is None:
        return None
    if not found.socket.exists() and found.state == "ready":
        # Its socket was swept away with the temporary directory: only a new start brings it back.
        process.end(found.pid, data)
        return None
    try:
        return _server(folder, await_ready(found.pid, folder, size(folder / "server.log"), progress))
    except HuxinError:
        if process.running(data):
            raise
        # It was stopping, or died just now: a new one tells what is wrong, if anything is.
        return None


def _server(folder: Path, found: process.PidFile) -> Server:
    return Server(
        pid=found.pid,
        port=found.port,
        socket_dir=found.socket_dir,
        data_dir=folder / "data",
        tcp_port=found.port if found.listens else None,
    )


def _set_password(server: Server) -> None:
    """Gives the role its stored password, as a verifier: the server never sees the word itself."""
    secret = password(server.data_dir.parent)
    with psycopg.connect(server.uri("postgres"), autocommit=True) as connection:
        verifier = connection.pgconn.encrypt_password(secret.encode(), USER.encode(), b"scram-sha-256")
        change = sql.SQL("ALTER ROLE {} PASSWORD {}")
        connection.execute(change.format(sql.Identifier(USER), sql.Literal(verifier.decode())))
