"""Suites: which hash makes halves and which block cipher makes tokens. Another suite is one more entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, algorithms

from huxin_privacy.errors import PrivacyError


@dataclass(frozen=True)
class Suite:
    """A set of algorithms: a hash of 16 bytes or more for halves, a cipher of 16-byte blocks for tokens."""

    name: str
    hash_name: str  # as hashlib and hmac.digest call it
    hash_algorithm: Callable[[], hashes.HashAlgorithm]
    cipher: Callable[[bytes], BlockCipherAlgorithm]
    half_key_bytes: int
    token_key_bytes: int


S256: Final = Suite("S256", "sha256", hashes.SHA256, algorithms.AES256, half_key_bytes=32, token_key_bytes=32)

_SUITES: Final = {suite.name: suite for suite in (S256,)}


def get_suite(name: str) -> Suite:
    """The suite of that name; PrivacyError P0101 when there is none."""
    try:
        return _SUITES[name]
    except KeyError:
        raise PrivacyError("P0101", suite=name) from None
