"""What one zone hands to another through a third: sealed to the receiver's key, and signed by the sender's.

box       epoch of the receiver's key (4 bytes) ‖ HPKE
envelope  epoch of the sender's key (4 bytes) ‖ Ed25519 signature (64) ‖ box

HPKE's info is the purpose; its aad is the receiver's epoch ‖ what the content belongs to. The signature is over
"huxin/v1/envelope" ‖ purpose ‖ what it belongs to ‖ both epochs ‖ box, each behind its length (8 bytes): whoever
carries it can neither read nor change it, nor use it in another place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from huxin_privacy.errors import PrivacyError
from huxin_privacy.hpke import OVERHEAD, open_from, seal_to

EPOCH_BYTES: Final = 4
SIGNATURE_BYTES: Final = 64
LABEL: Final = b"huxin/v1/envelope"


@dataclass(frozen=True)
class Receiver:
    """A zone's public key (X25519, 32 bytes) and the epoch of its keyring that it was drawn from."""

    epoch: int
    public: bytes


@dataclass(frozen=True)
class Sender:
    """A zone's signing key (Ed25519, 32 bytes) and its epoch. Its repr shows no key."""

    epoch: int
    secret: bytes = field(repr=False)

    @property
    def public(self) -> bytes:
        """The 32 bytes that signatures are checked with."""
        return self._key().public_key().public_bytes_raw()

    def sign(self, content: bytes) -> bytes:
        return self._key().sign(content)

    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.secret)


def seal_box(receiver: Receiver, purpose: str, belongs: bytes, plain: bytes) -> bytes:
    """`plain` for the receiver only. PrivacyError P0150 (its key is none)."""
    epoch = _epoch(receiver.epoch)
    return epoch + seal_to(receiver.public, purpose.encode(), epoch + belongs, plain)


def open_box(secrets: Mapping[int, bytes], purpose: str, belongs: bytes, box: bytes) -> bytes:
    """What `seal_box` was given; `secrets` are the receiver's private keys by epoch.

    PrivacyError P0170 (cut short), P0172 (sealed to a key that is not here), P0151 (changed, or of another place).
    """
    if len(box) < EPOCH_BYTES + OVERHEAD:
        raise PrivacyError("P0170")
    number = int.from_bytes(box[:EPOCH_BYTES], "big")
    if number not in secrets:
        raise PrivacyError("P0172", epoch=number)
    return open_from(secrets[number], purpose.encode(), box[:EPOCH_BYTES] + belongs, box[EPOCH_BYTES:])


def seal_envelope(sender: Sender, receiver: Receiver, purpose: str, belongs: bytes, plain: bytes) -> bytes:
    """`plain` for the receiver only, provably from the sender. PrivacyError P0150."""
    box = seal_box(receiver, purpose, belongs, plain)
    epoch = _epoch(sender.epoch)
    return epoch + sender.sign(_signed(epoch, purpose, belongs, box)) + box


def open_envelope(
    senders: Mapping[int, bytes], secrets: Mapping[int, bytes], purpose: str, belongs: bytes, envelope: bytes
) -> bytes:
    """What `seal_envelope` was given; `senders` are the sender's public keys by epoch.

    PrivacyError P0171 (signed by another key, changed, or of another place), and as `open_box`.
    """
    head = EPOCH_BYTES + SIGNATURE_BYTES
    if len(envelope) < head:
        raise PrivacyError("P0170")
    epoch, signature, box = envelope[:EPOCH_BYTES], envelope[EPOCH_BYTES:head], envelope[head:]
    public = senders.get(int.from_bytes(epoch, "big"))
    if public is None:
        raise PrivacyError("P0171")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _signed(epoch, purpose, belongs, box))
    except (InvalidSignature, ValueError):
        raise PrivacyError("P0171") from None
    return open_box(secrets, purpose, belongs, box)


def _signed(epoch: bytes, purpose: str, belongs: bytes, box: bytes) -> bytes:
    parts = (LABEL, purpose.encode(), belongs, epoch, box)
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def _epoch(number: int) -> bytes:
    return number.to_bytes(EPOCH_BYTES, "big")
