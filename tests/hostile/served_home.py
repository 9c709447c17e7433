"""`huxin serve` on a home of its own, with its own PostgreSQL: to be loaded, killed and looked into afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from huxin.cli.setup import prepare
from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.registry import embedded
from huxin.registry.connect import libpq_uri
from huxin.registry.credentials import SCOPES, Credential, add_credential
from huxin.registry.embedded_process import server_processes
from huxin.registry.members import add_members, find_member
from huxin.registry.session import connection, forget_engine
from huxin.settings import Settings
from huxin_privacy.client import Client, Identity, send
from support.ports import free_port

MEMBERS = ("M0001", "M0002")
PATIENCE_S = 300.0  # of a machine that does much else; nothing is measured by it


def until(holds: Callable[[], object], what: str) -> None:
    """Waits until `holds` is true. AssertionError with `what` when it never is."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@dataclass
class ServedHome:
    """A home whose database is its own, its members' keys, and the server that runs on it, if any."""

    settings: Settings
    folder: Path
    identities: dict[str, Identity]
    address: str = ""
    family: list[psutil.Process] = field(default_factory=list)

    def client(self, member: str) -> Client:
        return Client(self.address, self.identities[member])

    def start(self, *options: str) -> None:
        """Starts the server and waits until it can work."""
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        surroundings = {
            name: value
            for name, value in os.environ.items()
            if name not in ("HUXIN_NOW", "HUXIN_DATABASE_URL", "HUXIN_PUBLIC_URL", "HUXIN_ACCESS_LOG")
        }
        # Where a killed server leaves its counters.
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        surroundings |= {"HUXIN_HOME": str(self.settings.home), "HUXIN_LANG": "en", "TMPDIR": str(temporary)}
        command = [sys.executable, "-m", "huxin", "serve", "--port", str(port), "--access-log", *options]
        with (self.folder / "said.txt").open("ab") as said:
            process = subprocess.Popen(
                command,
                env=surroundings,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        self.family = [psutil.Process(process.pid)]
        until(lambda: process.poll() is not None or self.ready(), "the server does not come up")
        assert process.poll() is None, self.said()
        self.family += self.family[0].children(recursive=True)

    def ready(self) -> bool:
        try:
            return send("GET", f"{self.address}/readyz", None, {}).status == 200
        except OSError:
            return False

    def said(self) -> str:
        return (self.folder / "said.txt").read_text(encoding="utf-8")

    def kill(self) -> None:
        """kill -9 of the command, its workers and what runs beside it; each of them, by its number."""
        ours = {each.pid: each for each in self.family}
        for each in self.family:
            with contextlib.suppress(psutil.NoSuchProcess):
                ours.update({child.pid: child for child in each.children(recursive=True)})
        for each in ours.values():
            if not self._database(each.pid):
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.kill()
        psutil.wait_procs(list(ours.values()), 120)
        self.family = []

    def kill_database(self) -> int:
        """kill -9 of the postmaster and every backend of this home; how many there were."""
        killed = 0
        for pid in server_processes(self.settings.postgres_dir / "data"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
        return killed

    def start_database(self) -> None:
        forget_engine(self.settings)
        try:
            embedded.ensure_started(self.settings)
        except HuxinError:
            # The served processes start it too, the moment it is gone; what an operator does is to try again.
            embedded.ensure_started(self.settings)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What the owner of the tables sees."""
        with psycopg.connect(libpq_uri(self.settings)) as database:
            return database.execute(statement).fetchall()  # type: ignore[arg-type]  # our own text

    def _database(self, pid: int) -> bool:
        return pid in server_processes(self.settings.postgres_dir / "data")


@contextmanager
def served_home(folder: Path) -> Iterator[ServedHome]:
    """A home that is set up, with two members; whatever still runs at the end is ended."""
    settings = Settings(home=folder / "home")
    home = ServedHome(settings, folder, {})
    try:
        prepare(settings)
        with connection(settings) as database:
            add_members(database, [(code, code) for code in MEMBERS], settings.now())
            for code in MEMBERS:
                found = find_member(database, code)
                assert found
                secret, number = generate_private_key(SECP256R1()), new_id()
                public = secret.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
                add_credential(
                    database,
                    Credential(number, "member", found.id, code, "ES256", public, SCOPES, settings.now()),
                )
                home.identities[code] = Identity(code, str(number), secret)
        yield home
    finally:
        home.kill()
        forget_engine(settings)
        embedded.stop(settings)
