"""AES-256-GCM over small secrets: nonce ‖ ciphertext ‖ tag."""

from __future__ import annotations

import os
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16


def seal(key: bytes, secret: bytes, associated: bytes) -> bytes:
    """`secret` under a fresh random nonce; `associated` is bound to it but not stored."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, secret, associated)


def unseal(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    """What `seal` was given. Raises cryptography's InvalidTag when key, bytes or `associated` differ."""
    return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated)
