"""HPKE (RFC 9180), base mode, single shot: whoever holds a public key can seal, its owner alone can open.

X25519 with HKDF-SHA256, HKDF-SHA256, AES-256-GCM (KEM 0x0020, KDF 0x0001, AEAD 0x0002), all of it done by
`cryptography`. Its public interface takes no associated data, so these are bound through RFC 9180's `info`,
which the key itself is drawn from: info there = "huxin/v1/hpke" ‖ info ‖ SHA-256(aad), each behind its length
as 2 bytes. The RFC's `aad` stays empty. `privacy/vectors/hpke.json` shows it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from huxin_privacy.derivation import prefixed
from huxin_privacy.errors import PrivacyError

KEY_BYTES: Final = 32
OVERHEAD: Final = 32 + 16  # the sender's ephemeral public key before the text, the tag behind it
LABEL: Final = b"huxin/v1/hpke"


@dataclass(frozen=True)
class KeyPair:
    """A raw X25519 pair of 32 bytes each; its repr shows no private key."""

    private: bytes = field(repr=False)
    public: bytes


def new_key_pair() -> KeyPair:
    """A fresh random pair."""
    return _pair(X25519PrivateKey.generate())


def key_pair(private: bytes) -> KeyPair:
    """The pair of a private key (any 32 random bytes are one). PrivacyError P0150."""
    return _pair(_private(private))


def seal_to(public: bytes, info: bytes, aad: bytes, plain: bytes) -> bytes:
    """`plain`, for the owner of `public` only: ephemeral key (32) ‖ ciphertext ‖ tag (16).

    `info` says what it is for (under 64 KiB), `aad` what it belongs to (any length); neither is stored,
    and whoever opens must give the same. PrivacyError P0150 (no X25519 public key).
    """
    try:
        key = X25519PublicKey.from_public_bytes(public)
        return _suite().encrypt(plain, key, _bound(info, aad))
    except ValueError:  # not 32 bytes, or a point of low order
        raise PrivacyError("P0150") from None


def open_from(private: bytes, info: bytes, aad: bytes, sealed: bytes) -> bytes:
    """What `seal_to` was given.

    PrivacyError P0150 (no X25519 private key), P0151 (sealed to another key, for another `info` or `aad`,
    cut or changed: one code, for nothing but the right key can tell them apart).
    """
    key = _private(private)
    try:
        return _suite().decrypt(sealed, key, _bound(info, aad))
    except (InvalidTag, ValueError):
        raise PrivacyError("P0151") from None


def _suite() -> Suite:
    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def _bound(info: bytes, aad: bytes) -> bytes:
    return prefixed(LABEL, info, hashlib.sha256(aad).digest())


def _private(private: bytes) -> X25519PrivateKey:
    try:
        return X25519PrivateKey.from_private_bytes(private)
    except ValueError:
        raise PrivacyError("P0150") from None


def _pair(private: X25519PrivateKey) -> KeyPair:
    return KeyPair(private.private_bytes_raw(), private.public_key().public_bytes_raw())
