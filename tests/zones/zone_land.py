"""A split platform as three operators run it: homes, servers and processes of their own, and logs of each."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from huxin.ids import new_id
from huxin.registry import embedded
from huxin.registry.credentials import SCOPES, Credential, add_credential
from huxin.registry.members import find_member
from huxin.registry.session import connection, forget_engine
from huxin.settings import Settings
from huxin.zones.making import take_card
from huxin_edge.client import Huxin
from huxin_edge.session import Session
from huxin_edge.transport import Transport
from huxin_privacy.client import Client, Identity
from support.ports import free_port
from support.zones import made

EVENING = "2026-05-31T22:00:00+08:00"
ZONES = ("intake", "entry", "registry")
HERE = "127.0.0.1"
# The program with its loudest log, of every library it uses, in a file below the home.
LOUD = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, filename=sys.argv.pop(1), force=True)
from huxin.cli import main
main()
"""


def _now() -> float:
    return datetime.fromisoformat(EVENING).timestamp()


@dataclass
class Land:
    """The homes below `folder`, and the ports: `api` of registry and entry for members, `zone` for zones."""

    folder: Path
    api: dict[str, int] = field(default_factory=lambda: {zone: free_port() for zone in ZONES})
    zone: dict[str, int] = field(default_factory=lambda: {zone: free_port() for zone in ZONES})
    acts: int = field(default_factory=free_port)  # the registry zone's, for the entry zone
    members: dict[str, Identity] = field(default_factory=dict)
    ran: int = 0

    def home(self, zone: str) -> Path:
        return self.folder / zone

    def settings(self, zone: str) -> Settings:
        return Settings(self.home(zone))

    @property
    def url(self) -> str:
        return f"http://{HERE}:{self.api['registry']}"

    @property
    def entry_url(self) -> str:
        return f"http://{HERE}:{self.api['entry']}"

    def words(self, zone: str, *arguments: str) -> tuple[list[str], dict[str, str], Path]:
        """The command, its environment and where its output goes."""
        self.ran += 1
        logs = self.home(zone) / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            "HUXIN_HOME": str(self.home(zone)),
            "HUXIN_NOW": EVENING,
            "HUXIN_PUBLIC_URL": self.url,
            "HUXIN_LANG": "en",
        }
        environment.pop("HUXIN_DATABASE_URL", None)
        program = [sys.executable, "-c", LOUD, str(logs / f"{self.ran:02d}.log"), *arguments]
        return program, environment, logs / f"{self.ran:02d}.out"

    def run(self, zone: str, *arguments: str, code: int = 0) -> str:
        """Runs `huxin` in a zone; its output and errors are kept there, and it must end with this code."""
        program, environment, out = self.words(zone, *arguments)
        done = subprocess.run(program, env=environment, capture_output=True, timeout=300, check=False)
        out.write_bytes(done.stdout + done.stderr)
        assert done.returncode == code, (arguments, done.returncode, done.stderr[-800:])
        return done.stdout.decode()

    @contextmanager
    def serving(self, zone: str, *arguments: str) -> Iterator[None]:
        """`huxin zone …` at work, until the block ends."""
        program, environment, out = self.words(zone, "zone", zone, *arguments)
        with out.open("wb") as target:
            process = subprocess.Popen(program, env=environment, stdout=target, stderr=target)
            try:
                self._until_open(process, [self.api[zone], *([self.zone[zone]] if zone != "intake" else [])])
                yield
            finally:
                process.terminate()
                process.wait(180)
        assert process.returncode == 0, out.read_text(errors="replace")[-800:]

    def identity(self, code: str) -> Identity:
        """A member's key, registered when it is first asked for."""
        if code not in self.members:
            self.members[code] = self._registered(code)
        return self.members[code]

    def _registered(self, code: str) -> Identity:
        settings = Settings(self.home("registry"), fixed_now=datetime.fromisoformat(EVENING))
        secret, key_id = Ed25519PrivateKey.generate(), new_id()
        public = secret.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        with connection(settings) as database:
            member = find_member(database, code)
            assert member
            made_ = Credential(key_id, "member", member.id, code, "EdDSA", public, SCOPES, settings.now())
            add_credential(database, made_)
        forget_engine(settings)
        return Identity(code, str(key_id), secret)

    def session(self, zone: str, identity: Identity, scope: str | None = None) -> Session:
        """Calls of a member to a zone, with tokens of the registry zone for `scope` alone."""
        url = f"http://{HERE}:{self.api[zone]}"
        issuer = None if zone == "registry" else Transport(self.url)
        return Session(Transport(url), identity, issuer=issuer, scope=scope, now=_now)

    def client(self, code: str) -> Huxin:
        """A member's, as underwriting systems have it."""
        identity = self.identity(code)
        session, entry = self.session("registry", identity), self.session("entry", identity, "tickets")
        return Huxin(self.url, identity, session=session, entry=entry)

    def small_clients(self, code: str) -> tuple[Client, Client]:
        """The same with the standard library alone: of the registry and of the entry zone."""
        identity = self.identity(code)
        there = Client(self.entry_url, identity, _now, issuer=self.url, scope="tickets")
        return Client(self.url, identity, _now), there

    def tool(self, code: str, *words: str, line: str = "") -> dict[str, Any]:
        """What `huxin-edge … --json` tells a member's clerk, who types a line."""
        identity, key = self.identity(code), self.folder / f"{code}.pem"
        plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        key.write_bytes(identity.secret.private_bytes(*plain))
        given = {"url": self.url, "entry-url": self.entry_url, "member": code, "key": str(key)}
        options = [part for name, value in given.items() for part in (f"--{name}", value)]
        told_ = subprocess.run(
            [sys.executable, "-m", "huxin_edge", *words, "--json", "--key-id", identity.key_id, *options],
            env={**os.environ, "HUXIN_NOW": EVENING},
            input=f"{line}\n".encode(),
            capture_output=True,
            cwd=self.folder,
            timeout=180,
            check=False,
        )
        assert told_.returncode == 0, told_.stderr.decode()[-800:]
        answer: dict[str, Any] = json.loads(told_.stdout)
        return answer

    def _until_open(self, process: subprocess.Popen[bytes], ports: list[int]) -> None:
        until = time.monotonic() + 240
        for port in ports:
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex((HERE, port)) == 0:
                        break
                assert process.poll() is None, "it ended"
                assert time.monotonic() < until, port
                time.sleep(0.1)


@contextmanager
def land_at(folder: Path) -> Iterator[Land]:
    """Made and at work: entry and registry serve, cards are exchanged; ended and stopped afterwards."""
    land = Land(folder)
    try:
        _found(land)
        with ExitStack() as stack:
            for zone in ("entry", "registry"):
                ports = ("--port", str(land.api[zone]), "--zone-port", str(land.zone[zone]), "--workers", "1")
                more = ("--entry-port", str(land.acts)) if zone == "registry" else ()
                stack.enter_context(land.serving(zone, *ports, *more))
            yield land
    finally:
        for zone in ("intake", "registry"):
            embedded.stop(land.settings(zone))


def _found(land: Land) -> None:
    """The homes, as `huxin zone init`, `card` and `peer` make them (test_zone_commands.py)."""
    split = made(land.folder, None, None, datetime.fromisoformat(EVENING), issuer=land.url)
    for zone in ("entry", "registry"):
        card = split.intake.home / "zone" / f"{zone}.card.json"
        take_card(split.intake, card.read_bytes(), f"https://{HERE}:{land.zone[zone]}")
    there = split.entry.home / "zone" / "registry.card.json"
    take_card(split.entry, there.read_bytes(), f"https://{HERE}:{land.acts}")


def told(lines: str) -> list[dict[str, Any]]:
    """JSON lines of a command."""
    return [json.loads(line) for line in lines.splitlines()]
