"""Halves, made where people are seen, and tokens, made where loans are seen: singly and by the column.

half      = HMAC(K_entry, "huxin/v1" ‖ len(type) type ‖ len(canonical) canonical)[:16]
name half = HMAC(K_entry name, half ‖ canonical name)[:16]
token     = one cipher block over the half, under K_registry

Lengths are those of the UTF-8 bytes, as 2 bytes big-endian. Keys come from the zones' keyrings, use "token".
"""

from __future__ import annotations

import threading
from typing import Any, Final

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.modes import ECB

from huxin_privacy.arrow import Bytes
from huxin_privacy.derivation import prefixed
from huxin_privacy.errors import PrivacyError
from huxin_privacy.hashing import HALF_BYTES, LONGEST, Messages, hashed
from huxin_privacy.macs import keyed, mac
from huxin_privacy.suites import S256, SM, Suite, get_suite

DOMAIN: Final = b"huxin/v1"


def half(key: bytes, id_type: str, canonical: str, *, suite: Suite = S256) -> bytes:
    """The 16-byte half of one canonical identifier. PrivacyError P0104 (key length), P0105 (too long)."""
    _require_length(key, suite.half_key_bytes)
    text = canonical.encode()
    if len(text) > LONGEST:
        raise PrivacyError("P0105")
    return mac(suite, key, DOMAIN + prefixed(id_type.encode(), text))[:HALF_BYTES]


def name_half(key: bytes, half: bytes, canonical_name: str, *, suite: Suite = S256) -> bytes:
    """The 16-byte half of a canonical name within one identifier. PrivacyError P0104."""
    _require_length(key, suite.half_key_bytes)
    _require_length(half, HALF_BYTES)
    return mac(suite, key, half + canonical_name.encode())[:HALF_BYTES]


class Halver:
    """`half` of identifiers of one type under one key, for a process that makes them one by one."""

    def __init__(self, key: bytes, id_type: str, *, suite: Suite = S256) -> None:
        """PrivacyError P0104 (key length)."""
        _require_length(key, suite.half_key_bytes)
        self._mac = keyed(suite, key)
        self._head = DOMAIN + prefixed(id_type.encode())

    def half(self, canonical: str) -> bytes:
        """PrivacyError P0105 (too long)."""
        text = canonical.encode()
        if len(text) > LONGEST:
            raise PrivacyError("P0105")
        return self._mac.digest(self._head + prefixed(text))[:HALF_BYTES]


class NameHalver:
    """`name_half` under one key, likewise."""

    def __init__(self, key: bytes, *, suite: Suite = S256) -> None:
        """PrivacyError P0104 (key length)."""
        _require_length(key, suite.half_key_bytes)
        self._mac = keyed(suite, key)

    def half(self, half: bytes, canonical_name: str) -> bytes:
        """PrivacyError P0104 (not a half)."""
        _require_length(half, HALF_BYTES)
        return self._mac.digest(half + canonical_name.encode())[:HALF_BYTES]


class Tokenizing:
    """The token of one half after another under one key; safe to share between threads."""

    def __init__(self, key: bytes, *, suite: Suite = S256) -> None:
        """PrivacyError P0104 (key length)."""
        self._cipher = _cipher(key, suite)
        # A context is one thread's at a time, and making one costs more than twenty blocks.
        self._own = threading.local()

    def token(self, half: bytes) -> bytes:
        """PrivacyError P0104 (not a half)."""
        _require_length(half, HALF_BYTES)
        encryptor: CipherContext | None = getattr(self._own, "encryptor", None)
        if encryptor is None:
            encryptor = self._own.encryptor = self._cipher.encryptor()
        return encryptor.update(half)


def halves(key: bytes, id_type: str, canonical: Any, *, suite: Suite = S256, threads: int = 1) -> Bytes:
    """What `half` says of each row of an Arrow string column without nulls: (n, 16) uint8.

    PrivacyError P0103 (a null: filter them out first), P0104, P0105.
    """
    _require_length(key, suite.half_key_bytes)
    head = np.frombuffer(DOMAIN + prefixed(id_type.encode()), dtype=np.uint8)
    return hashed(suite, key, Messages(head[None, :], True, canonical), threads)


def name_halves(key: bytes, halves: Bytes, names: Any, *, suite: Suite = S256, threads: int = 1) -> Bytes:
    """What `name_half` says of each row of `halves` (n, 16) and `names` (n, no nulls): (n, 16) uint8."""
    _require_length(key, suite.half_key_bytes)
    _require_blocks(halves)
    if len(halves) != len(names):
        raise PrivacyError("P0104")
    return hashed(suite, key, Messages(halves, False, names), threads)


def tokens(key: bytes, halves: Bytes, *, suite: Suite = S256) -> Bytes:
    """The token of each half: (n, 16) uint8 in, the same out, in one call. PrivacyError P0104."""
    encryptor = _cipher(key, suite).encryptor()
    return _blocks(encryptor.update(_buffer(halves)) + encryptor.finalize())


def untoken(key: bytes, tokens: Bytes, *, suite: Suite = S256) -> Bytes:
    """The half of each token: the inverse of `tokens`, for re-keying. PrivacyError P0104."""
    decryptor = _cipher(key, suite).decryptor()
    return _blocks(decryptor.update(_buffer(tokens)) + decryptor.finalize())


def _cipher(key: bytes, suite: Suite) -> Cipher[ECB]:
    _require_length(key, suite.token_key_bytes)
    # ECB is right here and only here: a half is pseudo-random and fills exactly one block, so the
    # cipher is a pseudo-random permutation of it and equal blocks mean equal people, as they must.
    return Cipher(suite.cipher(key), ECB())  # noqa: S305


def _buffer(rows: Bytes) -> memoryview:
    _require_blocks(rows)
    return np.ascontiguousarray(rows).data.cast("B") if rows.size else memoryview(b"")


def _blocks(content: bytes) -> Bytes:
    return np.frombuffer(content, dtype=np.uint8).reshape(-1, HALF_BYTES)


def _require_length(value: bytes, length: int) -> None:
    if len(value) != length:
        raise PrivacyError("P0104")


def _require_blocks(rows: Bytes) -> None:
    if rows.ndim != 2 or rows.shape[1] != HALF_BYTES or rows.dtype != np.uint8:
        raise PrivacyError("P0104")


__all__ = [
    "S256",
    "SM",
    "Halver",
    "NameHalver",
    "Suite",
    "Tokenizing",
    "get_suite",
    "half",
    "halves",
    "name_half",
    "name_halves",
    "tokens",
    "untoken",
]
