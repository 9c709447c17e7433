"""A platform as it is served, which can be killed and started again at its address, and a member's key for it."""

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
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from huxin.cli.setup import prepare
from huxin.ids import new_id
from huxin.registry.credentials import SCOPES, Credential, add_credential
from huxin.registry.members import add_members, find_member
from huxin.registry.session import connection, forget_engine
from huxin.settings import Settings
from huxin_edge import Huxin, Question, Retry
from huxin_edge.session import Session
from huxin_edge.transport import Transport
from huxin_privacy.client import Identity, send
from support.ports import free_port
from support.rows import mobile, name, resident_id

ME, OTHER = "M0001", "M0002"
EVENING = datetime.fromisoformat("2026-05-31T22:00:00+08:00")
PATIENCE_S = 120.0
QUICK = Retry(patience_s=1.0, first_s=0.05, longest_s=0.2)


def until(holds: Callable[[], object], what: str) -> None:
    """Waits until `holds` is true. AssertionError with `what` when it never is."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@dataclass
class Platform:
    """`huxin serve` on the registry of `settings`, always at one address."""

    settings: Settings
    folder: Path
    identities: dict[str, Identity] = field(default_factory=dict)
    port: int = 0
    family: list[psutil.Process] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        surroundings = {
            "HUXIN_HOME": str(self.settings.home),
            "HUXIN_DATABASE_URL": str(self.settings.database_url),
            "HUXIN_NOW": self.settings.now().isoformat(),
            "HUXIN_LANG": "en",
        }
        words = ("--port", str(self.port), "--workers", "1", "--no-sequencer", "--no-work")
        command = [sys.executable, "-m", "huxin", "serve", *words]
        with (self.folder / "said.txt").open("ab") as said:
            process = subprocess.Popen(command, env=os.environ | surroundings, stdout=said, stderr=said)
        self.family = [psutil.Process(process.pid)]
        until(lambda: process.poll() is not None or self.ready(), "the server does not come up")
        assert process.poll() is None, (self.folder / "said.txt").read_text(encoding="utf-8")
        self.family += self.family[0].children(recursive=True)

    def ready(self) -> bool:
        try:
            return send("GET", f"{self.address}/readyz", None, {}).status == 200
        except OSError:
            return False

    def signal(self, number: int) -> None:
        """To the command and its workers, each by its own number."""
        for each in self.family:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        psutil.wait_procs(self.family, 20)
        self.family = []

    def session(
        self, member: str = ME, retry: Retry = QUICK, timeout_s: float = 90.0, **more: Any
    ) -> Session:
        """As `Huxin` makes it, by the platform's clock."""
        transport = Transport(self.address, timeout_s=timeout_s)
        now = self.settings.now().timestamp()
        return Session(transport, self.identities[member], retry, "en", now=lambda: now, **more)

    def client(self, journal: Path | None = None, when_down: Any = "raise", **more: Any) -> Huxin:
        member = more.pop("member", ME)
        return Huxin(
            self.address,
            self.identities[member],
            when_down=when_down,
            journal=journal,
            session=self.session(member, **more),
        )


@contextmanager
def platform_on(settings: Settings, folder: Path) -> Iterator[Platform]:
    """A registry with two members and their keys; the server is started by the test and ended here."""
    prepare(settings)
    made = Platform(settings, folder, port=free_port())
    with connection(settings) as database:
        add_members(database, [(ME, "甲小贷"), (OTHER, "乙小贷")], settings.now())
        for code in (ME, OTHER):
            made.identities[code] = new_identity(database, settings, code)
    try:
        yield made
    finally:
        made.kill()
        forget_engine(settings)


def new_identity(database: Any, settings: Settings, code: str) -> Identity:
    """A key of a member, registered."""
    member = find_member(database, code)
    assert member
    secret, number = generate_private_key(SECP256R1()), new_id()
    public = secret.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    add_credential(
        database, Credential(number, "member", member.id, code, "ES256", public, SCOPES, settings.now())
    )
    return Identity(code, str(number), secret)


def question(n: int = 1, **changes: Any) -> Question:
    """About person n."""
    said = {
        "id_type": "resident_id",
        "id_no": resident_id(n),
        "name": name(n),
        "mobile": mobile(n),
        "purpose": "application",
        "amount": "20000",
        "product": "consumer",
        "consent_no": f"SQ{n}",
        "consent_until": "2027-03-24",
        "staff": "S-17",
        "reference": f"case-{n}",
    }
    return Question(**(said | changes))
