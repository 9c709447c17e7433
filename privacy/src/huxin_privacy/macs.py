"""HMAC (RFC 2104) for one message after another under one key: the key's two blocks are hashed once."""

from __future__ import annotations

import hashlib

_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


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
