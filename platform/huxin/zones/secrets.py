"""The keys by which zones seal to and sign for one another, drawn from each zone's own keyring."""

from __future__ import annotations

from huxin.settings import Settings
from huxin.zones.roles import RINGS
from huxin_privacy import keyring
from huxin_privacy.envelope import Receiver, Sender
from huxin_privacy.hpke import key_pair

_SEALED, _SIGNED = ("hpke", "zone"), ("sign", "zone")


def receiving(settings: Settings, zone: str) -> dict[int, bytes]:
    """A zone's private keys (X25519) by epoch, of every epoch that is not gone."""
    ring = keyring.open(settings.keys_dir, RINGS[zone][0])
    return {epoch: ring.key(*_SEALED, epoch) for epoch in ring.usable()}


def receivers(settings: Settings, zone: str) -> list[Receiver]:
    """Their public halves, the active epoch's first."""
    return [Receiver(epoch, key_pair(secret).public) for epoch, secret in receiving(settings, zone).items()]


def signers(settings: Settings, zone: str) -> list[Sender]:
    """A zone's signing keys, the active epoch's first."""
    ring = keyring.open(settings.keys_dir, RINGS[zone][0])
    return [Sender(epoch, ring.key(*_SIGNED, epoch)) for epoch in ring.usable()]
