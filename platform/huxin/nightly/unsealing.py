"""A sealed submission on its way in: opened as its bytes come, so that every later step sees the member's own file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import chain

from huxin_privacy.errors import PrivacyError
from huxin_privacy.sealed_submission import MAGIC, Facts, PrivateKey, is_sealed, open_sealed, require

CHECK = "F0011"


class Unsealing:
    """The blocks of a file as its member wrote it, once; None among them says that the next cannot be read.

    Of a sealed submission these are its content, of any other file its own bytes. Afterwards `facts` are what the
    sealed file was bound to, and `fault` is the code (P0153 to P0157) of what stood against it; then `raw_digest`
    and `raw_size` are those of the file as it was sent. Nothing of another member's file is ever given.
    """

    def __init__(self, blocks: Iterable[bytes | None], sender: str, private_key: PrivateKey) -> None:
        self._blocks = iter(blocks)
        self._sender, self._private_key = sender, private_key
        self._unreadable = False
        self._raw = sha256()
        self.raw_size = 0
        self.facts: Facts | None = None
        self.fault: str | None = None

    @property
    def raw_digest(self) -> bytes:
        """SHA-256 of what was sent."""
        return self._raw.digest()

    def __iter__(self) -> Iterator[bytes | None]:
        start = self._start()
        sent = chain((start,) if start else (), (None,) if self._unreadable else self._blocks)
        if is_sealed(start):
            yield from self._opened(self._counted(sent))
        else:
            yield from sent

    def _start(self) -> bytes:
        """Enough of the file to tell what it is."""
        start = b""
        for block in self._blocks:
            if block is None:
                self._unreadable = True
                break
            start += block
            if len(start) >= len(MAGIC):
                break
        return start

    def _opened(self, sent: Iterator[bytes]) -> Iterator[bytes | None]:
        try:
            opened = open_sealed(sent, self._private_key)
            self.facts = opened.facts
            require(opened.facts, self._sender, opened.facts.contract)
            yield from opened.blocks
        except PrivacyError as error:
            self.fault = error.code
            for _ in sent:  # for its digest
                pass
        if self._unreadable:
            yield None

    def _counted(self, sent: Iterable[bytes | None]) -> Iterator[bytes]:
        for block in sent:
            if block is None:
                self._unreadable = True
                return
            self._raw.update(block)
            self.raw_size += len(block)
            yield block
