"""A zone's port, served as it is in production: who is let in, who is not, and what a call that fails is told."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from huxin.errors import HuxinError
from huxin.settings import Settings
from huxin.zones import authority
from huxin.zones.calls import BYTES, Peer
from huxin.zones.layout import required
from huxin.zones.making import own_card, take_card
from huxin_privacy.errors import PrivacyError
from support.ports import free_port
from support.zones import Split


@pytest.fixture(scope="module")
def split(shared_split: Split) -> Iterator[Split]:
    """The entry zone's port by `huxin zone port`, in a process of its own."""
    with _port(shared_split.entry) as number:
        _calls(shared_split.intake, "entry", number)
        yield shared_split


@contextmanager
def _port(settings: Settings) -> Iterator[int]:
    number = free_port()
    words = [sys.executable, "-m", "huxin", "zone", "port", "--port", str(number)]
    env = {**os.environ, "HUXIN_HOME": str(settings.home), "HUXIN_DATABASE_URL": settings.database_url or ""}
    process = subprocess.Popen(words, env=env, stderr=subprocess.PIPE)
    try:
        _until_open(number)
        yield number
    finally:
        process.terminate()
        assert process.wait(120) == 0


def _until_open(number: int) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", number)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError


def _calls(settings: Settings, zone: str, number: int) -> None:
    card = settings.home / "zone" / f"{zone}.card.json"
    take_card(settings, card.read_bytes(), f"https://127.0.0.1:{number}")


def peer(split: Split, zone: str = "entry") -> Peer:
    return Peer(required(split.intake, "intake"), zone)


def refused(act: object, code: str) -> HuxinError | PrivacyError:
    with pytest.raises((HuxinError, PrivacyError)) as caught:
        act()  # type: ignore[operator]
    assert caught.value.code == code
    return caught.value


def test_a_zone_that_may_call_is_answered(split: Split) -> None:
    for zone in ("entry", "registry"):
        assert peer(split, zone).call("GET", "/zone/healthz").json() == {"status": "ok", "zone": zone}


@contextmanager
def shown(split: Split, certificate: bytes, key: bytes) -> Iterator[Peer]:
    """The intake zone with another certificate."""
    layout = required(split.intake, "intake")
    held = layout.certificate.read_bytes(), layout.key.read_bytes()
    try:
        layout.certificate.write_bytes(certificate)
        layout.key.write_bytes(key)
        yield peer(split)
    finally:
        layout.certificate.write_bytes(held[0])
        layout.key.write_bytes(held[1])


@pytest.mark.parametrize("zone", ["entry", "registry"])
def test_a_certificate_of_another_zone_is_not_let_in(split: Split, zone: str) -> None:
    """The entry zone's own certificate and the registry zone's are as little good there as none."""
    own = required(split.of(zone), zone)
    with shown(split, own.certificate.read_bytes(), own.key.read_bytes()) as other:
        assert refused(lambda: other.call("GET", "/zone/healthz"), "H1713").facts["zone"] == "entry"


def test_a_certificate_of_a_foreign_authority_is_not_let_in(split: Split, tmp_path: Path) -> None:
    authority.create_authority(tmp_path / "ca")
    secret = generate_private_key(SECP256R1())
    foreign = authority.issue(tmp_path / "ca", "intake", secret.public_key(), ["127.0.0.1"])
    with shown(split, foreign, authority.private_pem(secret)) as other:
        refused(lambda: other.call("POST", "/zone/halves", b"x" * 100_000, kind=BYTES), "H1713")


def test_no_certificate_and_no_tls_are_not_let_in(split: Split) -> None:
    number = int(required(split.intake, "intake").peers["entry"].rpartition(":")[2])
    context = ssl.create_default_context(cadata=own_card(split.entry).issuer)
    with (
        pytest.raises((ssl.SSLError, ConnectionError)),
        socket.create_connection(("127.0.0.1", number), 60) as line,
        context.wrap_socket(line, server_hostname="127.0.0.1") as wrapped,
    ):
        wrapped.sendall(b"GET /zone/healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        if not wrapped.recv(100):
            raise ConnectionError
    with socket.create_connection(("127.0.0.1", number), 60) as line:
        line.sendall(b"GET /zone/healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        with pytest.raises(ConnectionError):
            assert b"HTTP/1.1 200" not in line.recv(100)
            raise ConnectionError


def test_an_older_tls_is_not_spoken(split: Split) -> None:
    number = int(required(split.intake, "intake").peers["entry"].rpartition(":")[2])
    layout = required(split.intake, "intake")
    context = ssl.create_default_context(cadata=own_card(split.entry).issuer)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(layout.certificate, layout.key)
    with socket.create_connection(("127.0.0.1", number), 60) as line, pytest.raises(ssl.SSLError):
        context.wrap_socket(line, server_hostname="127.0.0.1")


def test_a_server_of_another_zone_is_not_believed(split: Split) -> None:
    """The registry zone's address under the entry zone's name: the certificate says otherwise."""
    layout = required(split.intake, "intake")
    right = layout.peers["entry"]
    take_card(split.intake, layout.card_file("entry").read_bytes(), layout.peers["registry"])
    try:
        refused(lambda: peer(split).call("GET", "/zone/healthz"), "H1713")
    finally:
        take_card(split.intake, layout.card_file("entry").read_bytes(), right)


def test_a_fault_is_told_by_its_code(split: Split) -> None:
    headers = {"Huxin-Belongs": "a/1/0"}
    entry, registry = peer(split), peer(split, "registry")
    refused(lambda: entry.call("POST", "/zone/halves", b"", kind=BYTES, headers=headers), "P0170")
    refused(lambda: entry.call("POST", "/zone/halves", bytes(100), kind=BYTES, headers=headers), "P0172")
    refused(lambda: entry.call("POST", "/zone/halves", bytes(100), kind=BYTES), "H1718")
    refused(lambda: entry.call("GET", "/zone/submissions/none"), "H1116")
    refused(lambda: entry.call("GET", "/v1/enquiries"), "H1116")
    nobody = "/zone/submissions/01a21c3b-cd7c-7ac9-981d-5c7c7f11beb5"
    assert refused(lambda: registry.call("GET", nobody), "H0602").facts["id"] == nobody[-36:]
    refused(lambda: registry.call("PUT", nobody, b"", kind=BYTES, headers={"Huxin-Belongs": "x/1"}), "H1718")
    refused(lambda: registry.call("POST", "/zone/load", b"{}"), "H1121")
    refused(lambda: registry.call("POST", "/zone/load", b"[" * 10), "H1120")


def test_what_is_away_is_told(split: Split) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        layout = required(split.intake, "intake")
        right = layout.peers["entry"]
        _calls(split.intake, "entry", probe.getsockname()[1])
        try:
            told = refused(lambda: peer(split).call("GET", "/zone/healthz", seconds=2), "H1712")
            assert told.facts == {"zone": "entry", "reason": "ConnectionRefusedError"}
        finally:
            take_card(split.intake, layout.card_file("entry").read_bytes(), right)


def test_without_a_callers_card_nothing_is_served(split: Split, tmp_path: Path) -> None:
    """A port whose callers are not known must not be open to all."""
    card = split.entry.home / "zone" / "intake.card.json"
    held = card.read_bytes()
    card.unlink()
    words = [sys.executable, "-m", "huxin", "zone", "port", "--port", "1"]
    env = {**os.environ, "HUXIN_HOME": str(split.entry.home), "HUXIN_LANG": "en"}
    try:
        done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=180, check=False)
    finally:
        card.write_bytes(held)
    assert (done.returncode, done.stderr[:5]) == (1, "H1706")
