"""The API as it is served, under a login that owns nothing, with `huxin work` beside it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from http_world import ME, until

from huxin.api.caller import Caller
from huxin.api.tokens import Tokens
from huxin.ids import new_id
from huxin.registry.credentials import SCOPES, Credential, add_credential
from huxin.registry.members import find_member
from huxin.registry.session import connection
from huxin.settings import Settings
from support.logins import LOGIN, as_login
from support.ports import free_port


@dataclass(frozen=True)
class Served:
    """Where, and with which token of ME."""

    port: int
    token: str
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def served(settings: Settings) -> Iterator[Served]:
    """`huxin serve` as a process of its own."""
    port = free_port()
    words = ("serve", "--port", str(port), "--workers", "1", "--no-sequencer", "--no-work")
    with running(settings, *words, login=LOGIN) as process:
        until(lambda: reached(port))
        yield Served(port, token(settings, f"http://127.0.0.1:{port}"), process)


@contextmanager
def running(settings: Settings, *words: str, login: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """A command of ours, ended at last as a service is."""
    url = as_login(settings, login) if login else str(settings.database_url)
    temporary = temporary_of(settings)
    temporary.mkdir(exist_ok=True)
    surroundings = {
        "TMPDIR": str(temporary),
        "HUXIN_HOME": str(settings.home),
        "HUXIN_DATABASE_URL": url,
        "HUXIN_NOW": settings.now().isoformat(),
        "HUXIN_BODY_SECONDS": "120",  # half a file waits here for the test, which a busy machine holds up
    }
    process = subprocess.Popen([sys.executable, "-m", "huxin", *words], env=os.environ | surroundings)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(180)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def temporary_of(settings: Settings) -> Path:
    """Where it puts down what it needs for a moment; nobody else does."""
    return settings.home.with_name("temporary")


def token(settings: Settings, issuer: str) -> str:
    """An access token of ME."""
    with connection(settings) as database:
        member = find_member(database, ME)
        assert member
        key = Credential(new_id(), "member", member.id, ME, "ES256", b"", SCOPES, settings.now())
        add_credential(database, key)
    return Tokens(settings, issuer).issue(Caller(member.id, ME, "member", frozenset(key.scopes), key.id))


def reached(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
