"""Runs the API: worker processes of granian, with the audit sequencer beside them; all of them end together."""

from __future__ import annotations

import ctypes

# The thread that waits for the server to open needs it for its first connection. If it were still importing it when a
# worker is forked, the worker would hold a lock that nobody opens, and hang in its own first import of it.
import encodings.idna  # noqa: F401
import gc
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from huxin.api.beside import Beside
from huxin.api.counters_folder import counters_folder
from huxin.api.shell import Config
from huxin.errors import HuxinError
from huxin.registry import embedded
from huxin.registry.connect import database_url
from huxin.registry.migrate import current, heads
from huxin.settings import Settings

# Before prometheus_client is first imported, in any process.
SHARED_COUNTERS = "PROMETHEUS_MULTIPROC_DIR"
SEQUENCER = ("audit", "sequence")
WORK = ("work",)
_HEADERS_MS = 10_000
_STOP_S = 10
_UP_S = 60.0
_PR_SET_PDEATHSIG = 1
_YOUNG = 20_000  # new objects after which those that died in circles are looked for

Tell = Callable[[str], None]
Make = Callable[[Settings, Config], Flask]


@dataclass(frozen=True)
class Serving:
    """Where and with how much to serve. `threads` are a worker's; TLS where both files are given.

    `callers` is a file of certificates: with it only those are let in who show one that is issued by one of these.
    `also` are further commands of ours to run beside the server; without `database` none is asked for.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    threads: int = 8
    tls_cert: Path | None = None
    tls_key: Path | None = None
    sequencer: bool = True
    work: bool = True
    also: tuple[tuple[str, ...], ...] = ()
    callers: Path | None = None
    database: bool = True

    @property
    def address(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls_cert else 'http'}://{host}:{self.port}"


def serve(settings: Settings, config: Config, serving: Serving, tell: Tell, make: Make | None = None) -> None:
    """Serves until SIGTERM or Ctrl-C, and leaves nothing running that it started.

    `tell` gets the line that says where; `make` makes the app in place of `create_app`. Raises HuxinError H1128 (not
    migrated), H1129 (address taken), H1135 (TLS), and those of the database.
    """
    # granian takes SIGTERM over once it runs; before, it must not leave behind what was started.
    signal.signal(signal.SIGTERM, _leave)
    _check_tls(serving)
    with (
        held_address(serving),
        _database(settings) if serving.database else nullcontext(),
        counters_folder() as counters,
    ):
        os.environ[SHARED_COUNTERS] = str(counters)
        config = replace(config, threads=serving.threads)
        run(serving, partial(load, settings, config, make), tell)


@contextmanager
def _database(settings: Settings) -> Iterator[None]:
    """The database at work and migrated; stopped afterwards where it was started here."""
    # Asked before the database is, which starts it.
    started_here = settings.database_url is None and not embedded.status(settings).running
    database_url(settings)
    try:
        _check_migrated(settings)
        yield
    finally:
        if started_here:
            embedded.stop(settings)


def _leave(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


def run(serving: Serving, loader: Callable[[], Flask], tell: Tell) -> None:
    """Runs server and commands until the server is told to end."""
    server = _server(serving)
    server.on_startup(lambda: Thread(target=_tell_when_open, args=(serving, tell), daemon=True).start())
    wanted = (
        (SEQUENCER, serving.sequencer),
        (WORK, serving.work),
        *((words, True) for words in serving.also),
    )
    with ExitStack() as stack:
        for words, runs in wanted:
            if runs:
                beside = Beside(words)
                beside.start()
                stack.callback(beside.stop)
        server.serve(target_loader=loader, wrap_loader=False)


def _tell_when_open(serving: Serving, tell: Tell) -> None:
    """Tells the address when somebody listens there: the workers come up after the server itself."""
    until = time.monotonic() + _UP_S
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection((serving.host, serving.port), timeout=1):
            break
        time.sleep(0.05)
    tell(serving.address)


def load(settings: Settings, config: Config, make: Make | None = None) -> Flask:
    """The app of a worker, made in it. The worker ends with its parent, and leaves Ctrl-C to it."""
    end_with_parent()
    os.setpgrp()
    # Until granian sets its own: the parent's handlers came along and would only tell this copy of the parent.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    from huxin.api.app import create_app

    made = (make or create_app)(settings, config)
    spare_the_lasting()
    return made


def spare_the_lasting() -> None:
    """Keeps the collector from what lasts as long as the process: a quarter of a million objects to be gone through,
    which holds every thread for some hundredths of a second, again and again under load."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 20)


def end_with_parent() -> None:
    """Has the kernel end this process when its parent dies, however it dies (Linux, prctl).

    By SIGKILL: a parent with threads sends the signal several times over, and granian's own handler, called while it
    runs, waits for itself for good. What was being answered is rolled back, as after any kill.
    """
    if os.uname().sysname == "Linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _server(serving: Serving) -> Any:
    return Granian(
        "huxin.api.wsgi:app",
        address=serving.host,
        port=serving.port,
        interface=Interfaces.WSGI,
        workers=serving.workers,
        blocking_threads=serving.threads,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADERS_MS),
        ssl_cert=serving.tls_cert,
        ssl_key=serving.tls_key,
        # Without the former, granian drops the latter with no more than a warning.
        ssl_ca=serving.callers,
        ssl_client_verify=serving.callers is not None,
        log_level=LogLevels.error,
        log_dictconfig=_LOGS,
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_S,
    )


# granian writes to standard output by default, which is for data; its own access log would hold paths.
_LOGS: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {
        "errors": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"}
    },
    "loggers": {
        "_granian": {"handlers": ["errors"], "level": "ERROR", "propagate": False},
        "huxin": {"handlers": ["errors"], "level": "WARNING", "propagate": False},
        "huxin.access": {"handlers": ["errors"], "level": "INFO", "propagate": False},
    },
}


def _check_migrated(settings: Settings) -> None:
    present, wanted = current(settings), ",".join(heads())
    if present != wanted:
        raise HuxinError("H1128", present=present or "-", wanted=wanted)


def _check_tls(serving: Serving) -> None:
    files = (serving.tls_cert, serving.tls_key)
    if any(files) and not all(file and file.is_file() for file in files):
        raise HuxinError("H1135")


@contextmanager
def held_address(serving: Serving) -> Iterator[None]:
    """Keeps the address for this server until the block ends. HuxinError H1129 when it is taken.

    Workers share a port (SO_REUSEPORT), so a second server of ours would not fail to bind, and each would get some of
    the requests. So the port is taken here before it is shared, by a socket that does not listen.
    """
    family = socket.AF_INET6 if ":" in serving.host else socket.AF_INET
    with socket.socket(family) as holder:
        # What an earlier server's connections left behind is no server.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind((serving.host, serving.port))
        except OSError as error:
            raise HuxinError("H1129", address=serving.address, reason=error.strerror) from None
        if os.uname().sysname == "Linux":
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        else:  # elsewhere what was bound alone stays alone
            holder.close()
        yield


def with_issuer(config: Config, serving: Serving, named: bool) -> Config:
    """Tokens name the address served, unless HUXIN_PUBLIC_URL names another."""
    return config if named else replace(config, issuer=serving.address)
