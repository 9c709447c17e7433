"""AES-256-GCM over small secrets: nonce ‖ ciphertext ‖ tag."""

from __future__ import annotations

import os
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16


def seal(key: bytes | AESGCM, secret: bytes, associated: bytes) -> bytes:
    """`secret` under a fresh random nonce; `associated` is bound to it but not stored.

    A key that seals again and again may be given as its cipher: setting one up costs as much as a kilobyte.
    """
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher(key).encrypt(nonce, secret, associated)


def unseal(key: bytes | AESGCM, sealed: bytes, associated: bytes) -> bytes:
    """What `seal` was given. Raises cryptography's InvalidTag when key, bytes or `associated` differ."""
    return _cipher(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated)


def nonce(number: int, last: bool) -> bytes:
    """The 12-byte nonce of chunk `number` (0 is the first) of a file that has a key of its own."""
    return number.to_bytes(11, "big") + bytes([last])


def _cipher(key: bytes | AESGCM) -> AESGCM:
    return AESGCM(key) if isinstance(key, bytes) else key
