"""The growing side of RFC 6962's tree: appending leaves, and which subtrees a proof is made of.

A full subtree is named (level, index): it spans leaves index·2^level up to (index+1)·2^level. The right edge of a
tree of n leaves is a list of peaks, the roots of its full subtrees from left to right, one for each bit of n.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from huxin_privacy.merkle import EMPTY_ROOT, node_hash

# Nodes below this level are made anew from at most 16 leaves: storing them would double the rows written.
STORED_FROM = 4

Subtree = tuple[int, int]
Node = tuple[int, int, bytes]


def append(peaks: list[bytes], size: int, leaf: bytes, made: list[Node]) -> None:
    """Adds a leaf hash to the peaks of a tree of `size`; full subtrees that it completes go to `made`."""
    level, index, top = 0, size, leaf
    while index & 1:
        top = sha256(b"\x01" + peaks.pop() + top).digest()
        level, index = level + 1, index >> 1
        if level >= STORED_FROM:
            made.append((level, index, top))
    peaks.append(top)


def root_of(peaks: Iterable[bytes]) -> bytes:
    """The root over adjacent subtrees of falling size, as a tree's peaks are; of none, the empty tree's."""
    top: bytes | None = None
    for each in reversed(list(peaks)):
        top = each if top is None else node_hash(each, top)
    return EMPTY_ROOT if top is None else top


def peaks_of(size: int) -> list[Subtree]:
    """The full subtrees of a tree of `size`, from left to right."""
    return full_subtrees(0, size)


def full_subtrees(start: int, end: int) -> list[Subtree]:
    """The full subtrees that make up leaves [start, end); start is a multiple of the span's first power of two."""
    found, at = [], start
    while at < end:
        level = (end - at).bit_length() - 1
        found.append((level, at >> level))
        at += 1 << level
    return found


def inclusion_spans(number: int, size: int) -> list[tuple[int, int]]:
    """The spans [start, end) whose hashes are leaf `number`'s audit path, from the leaf upwards (2.1.1)."""
    start, end, spans = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if number < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[tuple[int, int]]:
    """The spans whose hashes prove that the tree of `new` begins with that of `old`, in RFC 6962's order (2.1.2)."""
    if old in (0, new):
        return []
    start, end, spans = 0, new, []
    while end > old:
        middle = start + _split(end - start)
        if old <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    # The older tree's root is known to the asker; a part of it is not.
    return [*([(start, end)] if start else []), *spans[::-1]]


def _split(width: int) -> int:
    """The greatest power of two below `width`."""
    return 1 << ((width - 1).bit_length() - 1)
