"""Suites: which hash makes halves and which block cipher makes tokens. Another suite is one more entry.

S256  HMAC-SHA256 (RFC 2104, FIPS 180-4) and one block of AES-256 (FIPS 197)
SM    HMAC-SM3 (RFC 2104, GB/T 32905) and one block of SM4 (GB/T 32907)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import Hash

from huxin_privacy.errors import PrivacyError


@dataclass(frozen=True)
class Suite:
    """A set of algorithms: a hash of 16 bytes or more for halves, a cipher of 16-byte blocks for tokens."""

    name: str
    hash_name: str  # as hashlib calls it, where it offers it
    hash_algorithm: Callable[[], hashes.HashAlgorithm]
    cipher: Callable[[bytes], BlockCipherAlgorithm]
    half_key_bytes: int
    token_key_bytes: int


S256: Final = Suite("S256", "sha256", hashes.SHA256, algorithms.AES256, half_key_bytes=32, token_key_bytes=32)
SM: Final = Suite("SM", "sm3", hashes.SM3, algorithms.SM4, half_key_bytes=32, token_key_bytes=16)

_SUITES: Final = {suite.name: suite for suite in (S256, SM)}
SUITES: Final = tuple(_SUITES)


def get_suite(name: str) -> Suite:
    """The suite of that name.

    PrivacyError P0101, which tells those there are; P0106 where cryptography was built without its algorithms.
    """
    if name not in _SUITES:
        raise PrivacyError("P0101", suite=name, known=", ".join(SUITES))
    if not _offered(_SUITES[name]):
        raise PrivacyError("P0106", suite=name)
    return _SUITES[name]


@cache
def _offered(suite: Suite) -> bool:
    try:
        Hash(suite.hash_algorithm())
        Cipher(suite.cipher(bytes(suite.token_key_bytes)), ECB()).encryptor()  # noqa: S305 - see tokens._cipher
    except UnsupportedAlgorithm:
        return False
    return True
