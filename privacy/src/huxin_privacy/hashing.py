"""HMAC over many messages, cut to 16 bytes: three ways with the same result.

reference  message by message: the definition
copied     a keyed context of `cryptography`, copied for each message
compiled   numba over the Arrow buffer (huxin_privacy.fast)
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np

from huxin_privacy import arrow, fast
from huxin_privacy.arrow import Bytes
from huxin_privacy.errors import PrivacyError
from huxin_privacy.macs import CopiedMac, mac
from huxin_privacy.suites import Suite

HALF_BYTES: Final = 16
LONGEST: Final = 65_535
# Below this many messages the compiled way does not pay: with and without the cost of loading it first.
COMPILED_FROM: Final = 500
LOADED_FROM: Final = 20_000


@dataclass(frozen=True)
class Messages:
    """n messages: head ‖ (length of the text, 2 bytes big-endian, when `measured`) ‖ text.

    `heads` is (1, width) when all share one, else (n, width); `texts` an Arrow string column without
    nulls. PrivacyError P0103 for a null (all nulls would share one half), P0105 for a text over 65535 bytes.
    """

    heads: Bytes = field(repr=False)
    measured: bool
    texts: Any = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", arrow.plain(self.texts))
        if self.texts.null_count:
            raise PrivacyError("P0103")
        if np.diff(arrow.offsets(self.texts)).max(initial=0) > LONGEST:
            raise PrivacyError("P0105")
        if len(self.heads) not in (1, len(self.texts)):
            raise PrivacyError("P0104")

    def __len__(self) -> int:
        return len(self.texts)

    def part(self, start: int, stop: int) -> Messages:
        """The messages from `start` to before `stop`."""
        heads = self.heads if len(self.heads) == 1 else self.heads[start:stop]
        return Messages(heads, self.measured, self.texts.slice(start, stop - start))

    def __iter__(self) -> Iterator[bytes]:
        shared = len(self.heads) == 1
        heads = [bytes(self.heads[0])] * len(self) if shared else [bytes(head) for head in self.heads]
        for head, text in zip(heads, self.texts.cast("large_binary").to_pylist(), strict=True):
            yield head + (len(text).to_bytes(2, "big") + text if self.measured else text)


def reference(suite: Suite, key: bytes, messages: Messages) -> Bytes:
    """(n, 16) uint8, by macs.mac."""
    return _stacked([mac(suite, key, message)[:HALF_BYTES] for message in messages])


def copied(suite: Suite, key: bytes, messages: Messages) -> Bytes:
    """(n, 16) uint8, by copies of one keyed context."""
    keyed = CopiedMac(suite, key)
    return _stacked([keyed.digest(message)[:HALF_BYTES] for message in messages])


def compiled(suite: Suite, key: bytes, messages: Messages) -> Bytes:
    """(n, 16) uint8, by the compiled kernel, where fast.available(suite)."""
    return fast.halves(
        suite,
        key,
        messages.heads,
        messages.measured,
        arrow.data(messages.texts),
        arrow.offsets(messages.texts),
    )


def hashed(suite: Suite, key: bytes, messages: Messages, threads: int = 1) -> Bytes:
    """(n, 16) uint8 by the quickest way there is; `threads` share the compiled way's work."""
    worth = len(messages) >= (COMPILED_FROM if fast.loaded(suite) else LOADED_FROM)
    if not worth or not fast.available(suite):
        return copied(suite, key, messages)
    if threads <= 1:
        return compiled(suite, key, messages)
    edges = np.linspace(0, len(messages), threads + 1).astype(int).tolist()
    parts = [messages.part(start, stop) for start, stop in pairwise(edges)]
    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(lambda part: compiled(suite, key, part), parts)))


def _stacked(halves: list[bytes]) -> Bytes:
    return np.frombuffer(b"".join(halves), dtype=np.uint8).reshape(-1, HALF_BYTES)
