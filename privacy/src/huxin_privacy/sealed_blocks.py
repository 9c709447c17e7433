"""Bytes that come in blocks of any size, taken in pieces of a wanted size."""

from __future__ import annotations

from collections.abc import Iterable


class Blocks:
    """What is left of an iterable of blocks; no more than one piece and one block is held."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._held = bytearray()

    def take(self, length: int) -> bytes:
        """The next `length` bytes, fewer where the blocks end before."""
        while len(self._held) < length:
            block = next(self._blocks, None)
            if block is None:
                break
            self._held += block
        taken = bytes(memoryview(self._held)[:length])
        del self._held[:length]
        return taken
