"""Who signs: the log's keys, drawn from the keyring of zone "audit", and checkpoints signed with them."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huxin_privacy.keyring import Keyring
from huxin_privacy.notes import Checkpoint, VerifierKey, signature_line
from huxin_privacy.receipts import PROMISE_NAME

ZONE = "audit"


@dataclass(frozen=True)
class Signer:
    """A name and its private key; `key` is what verifiers hold."""

    key: VerifierKey
    _private: Ed25519PrivateKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """64 bytes of Ed25519 (RFC 8032)."""
        return self._private.sign(message)


@dataclass(frozen=True)
class LogKeys:
    """The log's name and the two keys it signs with: of checkpoints by the sequencer, of promises by the API.

    `past` are the public keys of earlier epochs, under which older receipts stand.
    """

    origin: str
    checkpoint: Signer
    promise: Signer
    past: tuple[VerifierKey, ...] = ()

    @property
    def verifiers(self) -> tuple[VerifierKey, ...]:
        """All public keys, the present ones first."""
        return (self.checkpoint.key, self.promise.key, *self.past)


def log_keys(keyring: Keyring) -> LogKeys:
    """The keys of an opened keyring of zone "audit". PrivacyError P0118 when the first epoch was destroyed."""
    origin = f"huxin/log/{keyring.key('name', 'log', keyring.epochs[0].number, length=4).hex()}"
    past = []
    for epoch in keyring.usable()[1:]:
        past += [_signer(keyring, origin, use, epoch).key for use in ("checkpoint", "promise")]
    checkpoint, promise = (_signer(keyring, origin, use, keyring.active) for use in ("checkpoint", "promise"))
    return LogKeys(origin, checkpoint, promise, tuple(past))


def checkpoint_note(signer: Signer, size: int, root: bytes) -> str:
    """A signed checkpoint (c2sp.org/tlog-checkpoint) of the log that bears the signer's name."""
    text = Checkpoint(signer.key.name, size, root).text
    return f"{text}\n{signature_line(signer.key, signer.sign(text.encode()))}"


def signer_of(name: str, seed: bytes) -> Signer:
    """A signer from a seed of 32 bytes."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return Signer(VerifierKey(name, private.public_key().public_bytes_raw()), private)


def _signer(keyring: Keyring, origin: str, use: str, epoch: int) -> Signer:
    name = origin if use == "checkpoint" else origin + PROMISE_NAME
    return signer_of(name, keyring.key("sign", use, epoch))
