"""HMAC (RFC 2104) of one message after another under one key: the key's two blocks are hashed once.

SHA-256 is in every hashlib. SM3 is not: the OpenSSL that Python was built with may leave it out, so it always
comes from `cryptography`, which carries an OpenSSL of its own and takes an algorithm as a class, not by name.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Protocol

from cryptography.hazmat.primitives.hashes import Hash
from cryptography.hazmat.primitives.hmac import HMAC

from huxin_privacy.suites import Suite

_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class KeyedHash(Protocol):
    """What gives the MAC of one message after another; safe to share between threads."""

    def digest(self, message: bytes) -> bytes:
        """The whole of it."""
        ...


def mac(suite: Suite, key: bytes, message: bytes) -> bytes:
    """The whole HMAC of one message with the suite's hash, by its definition."""
    if _in_hashlib(suite):
        return hmac.digest(key, message, suite.hash_name)
    inner, outer = pads(suite, key)
    return _hash(suite, outer + _hash(suite, inner + message))


def pads(suite: Suite, key: bytes) -> tuple[bytes, bytes]:
    """The key's two blocks, that of the inner and that of the outer hash; a key longer than one is hashed first."""
    size = suite.hash_algorithm().block_size
    assert size is not None, "HMAC is defined for hashes that work in blocks"
    block = (_hash(suite, key) if len(key) > size else key).ljust(size, b"\0")
    return block.translate(_INNER), block.translate(_OUTER)


def keyed(suite: Suite, key: bytes) -> KeyedHash:
    """What gives `mac(suite, key, message)` of each message, in a third of the time or less."""
    return Mac(key, suite.hash_name) if _in_hashlib(suite) else CopiedMac(suite, key)


class Mac:
    """Gives what `hmac.digest(key, message, hash_name)` gives, a third of the work. Its repr shows no key."""

    def __init__(self, key: bytes, hash_name: str) -> None:
        made = hashlib.new(hash_name)
        if len(key) > made.block_size:
            key = hashlib.new(hash_name, key).digest()
        block = key.ljust(made.block_size, b"\0")
        self._inner = hashlib.new(hash_name, block.translate(_INNER))
        self._outer = hashlib.new(hash_name, block.translate(_OUTER))

    def digest(self, message: bytes) -> bytes:
        """The whole of it; safe to call from several threads at once."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


class CopiedMac:
    """The same by copies of a keyed context of `cryptography`, for any suite. Its repr shows no key."""

    def __init__(self, suite: Suite, key: bytes) -> None:
        self._keyed = HMAC(key, suite.hash_algorithm())

    def digest(self, message: bytes) -> bytes:
        """The whole of it; safe to call from several threads at once."""
        context = self._keyed.copy()
        context.update(message)
        return context.finalize()


def _in_hashlib(suite: Suite) -> bool:
    return suite.hash_name in hashlib.algorithms_guaranteed


def _hash(suite: Suite, content: bytes) -> bytes:
    context = Hash(suite.hash_algorithm())
    context.update(content)
    return context.finalize()
