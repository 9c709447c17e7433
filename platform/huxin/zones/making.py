"""Making a home one zone's: its certificate, its card, and the others' cards. Its keyrings are `huxin init`'s."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from huxin.errors import HuxinError
from huxin.settings import Settings
from huxin.zones import authority, secrets
from huxin.zones.card import Card, read_card
from huxin.zones.layout import Layout, layout_of, required, write_layout
from huxin.zones.roles import REGISTRY, RINGS, ROLES
from huxin_privacy import keyring
from huxin_privacy.files import write_atomic


@dataclass(frozen=True)
class Made:
    """What was made: the home's layout, and the request where the authority is elsewhere."""

    layout: Layout
    request: Path | None


def make_zone(settings: Settings, zone: str, hosts: Sequence[str], folder: Path | None) -> Made:
    """Makes a home one zone's; a certificate is made anew each time.

    `folder` is the authority's; without one a request is written, to be signed elsewhere. HuxinError H1709 (the home
    is of another zone), H1715 (it holds other zones' keys), H1702, H1703.
    """
    before = layout_of(settings)
    if before and before.zone != zone:
        raise HuxinError("H1709", zone=before.zone, wanted=zone)
    _require_no_other(settings, zone)
    layout = write_layout(settings, zone, before.peers if before else {})
    secret = _own_key(layout)
    if folder is None:
        request = layout.folder / "request.pem"
        write_atomic(request, authority.request_of(secret, zone, hosts))
        return Made(layout, request)
    certificate = authority.issue(folder, zone, secret.public_key(), hosts)
    take_certificate(layout, certificate, authority.issuer_of(folder, zone))
    return Made(layout, None)


def take_certificate(layout: Layout, certificate: bytes, issuer: bytes) -> None:
    """Puts a certificate and its issuer's in their place. HuxinError H1716: it is not of this zone's key and issuer."""
    try:
        leaf, above = (x509.load_pem_x509_certificate(each) for each in (certificate, issuer))
        leaf.verify_directly_issued_by(above)
        same = leaf.public_key() == _own_key(layout).public_key()
    except Exception:
        raise HuxinError("H1716") from None
    if not same:
        raise HuxinError("H1716")
    write_atomic(layout.issuer, issuer)
    write_atomic(layout.certificate, certificate)


def own_card(settings: Settings, address: str = "") -> Card:
    """This zone's card as its keys are now; `address` is what the registry zone's tokens name as their issuer.

    HuxinError H1708, H1711 (no certificate yet).
    """
    layout = required(settings, *ROLES)
    try:
        issuer = layout.issuer.read_text(encoding="ascii")
    except OSError:
        raise HuxinError("H1711", zone=layout.zone) from None
    seal = {each.epoch: each.public for each in secrets.receivers(settings, layout.zone)}
    sign = {each.epoch: each.public for each in secrets.signers(settings, layout.zone)}
    is_registry = layout.zone == REGISTRY
    tokens = _token_keys(settings) if is_registry else {}
    return Card(layout.zone, issuer, seal, sign, tokens, address if is_registry else "")


def take_card(settings: Settings, text: str | bytes, url: str | None) -> Card:
    """Keeps a peer's card, and its address where one is given. HuxinError H1705, H1708, H1709 (our own), H1717."""
    layout = required(settings, *ROLES)
    card = read_card(text)
    if card.zone == layout.zone:
        raise HuxinError("H1709", zone=layout.zone, wanted=", ".join(z for z in ROLES if z != card.zone))
    if url is not None and not url.startswith("https://"):
        raise HuxinError("H1717")
    write_atomic(layout.card_file(card.zone), text if isinstance(text, bytes) else text.encode())
    if url is not None:
        write_layout(settings, layout.zone, {**layout.peers, card.zone: url.rstrip("/")})
    return card


def _require_no_other(settings: Settings, zone: str) -> None:
    held = [each for each in keyring.ZONES if keyring.keyring_path(settings.keys_dir, each).exists()]
    others = [each for each in held if each not in RINGS[zone]]
    if others:
        raise HuxinError("H1715", zone=zone, others=", ".join(others))


def _own_key(layout: Layout) -> EllipticCurvePrivateKey:
    """The key of the zone's certificate, made when there is none yet."""
    if not layout.key.exists():
        write_atomic(layout.key, authority.private_pem(generate_private_key(SECP256R1())), replace=False)
    found = load_pem_private_key(layout.key.read_bytes(), None)
    assert isinstance(found, EllipticCurvePrivateKey), "made above"
    return found


def _token_keys(settings: Settings) -> dict[int, bytes]:
    """As huxin.api.tokens draws them."""
    ring = keyring.open(settings.keys_dir, "audit")
    seeds = {epoch: ring.key("token-signing", "ed25519", epoch) for epoch in ring.usable()}
    return {
        epoch: Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        for epoch, seed in seeds.items()
    }
