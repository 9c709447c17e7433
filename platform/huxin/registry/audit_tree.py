"""The stored tree: hashes of subtrees from nodes and leaves, and the proofs made of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import psycopg

from huxin.audit.merkle import STORED_FROM, Subtree, append, full_subtrees, peaks_of, root_of
from huxin.errors import HuxinError
from huxin_privacy.merkle import leaf_hash

_HASHES = "SELECT nodes, leaves FROM audit_hashes(%s::integer[], %s::bigint[], %s::bigint[])"


class Rows(Protocol):
    """Whatever runs a statement that gives one row at most: a pool of the application, or one connection."""

    def row(self, sql: str, params: Sequence[Any]) -> tuple[Any, ...] | None: ...


class OneConnection:
    """Rows by a connection of the caller's."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def row(self, sql: str, params: Sequence[Any]) -> tuple[Any, ...] | None:
        return self._connection.execute(sql, params, binary=True).fetchone()


def load_peaks(connection: psycopg.Connection[Any], size: int) -> list[bytes]:
    """The peaks of the tree of `size` from what is stored. HuxinError H1312 when a part is missing."""
    wanted = peaks_of(size)
    found = subtree_hashes(OneConnection(connection), wanted)
    return [found[each] for each in wanted]


def span_hashes(rows: Rows, spans: Iterable[tuple[int, int]]) -> list[bytes]:
    """The root over each span of leaves [start, end), in one round trip. HuxinError H1312."""
    parts = [full_subtrees(start, end) for start, end in spans]
    found = subtree_hashes(rows, {each for part in parts for each in part})
    return [root_of(found[each] for each in part) for part in parts]


def subtree_hashes(rows: Rows, wanted: Iterable[Subtree]) -> dict[Subtree, bytes]:
    """The root of each full subtree; those below STORED_FROM are made from their leaves. HuxinError H1312."""
    asked = sorted(set(wanted))
    stored = [each for each in asked if each[0] >= STORED_FROM]
    made = [each for each in asked if each[0] < STORED_FROM]
    numbers = sorted({number for each in made for number in _leaves_of(each)})
    if not asked:
        return {}
    params = [level for level, _ in stored], [index for _, index in stored], numbers
    nodes, leaves = rows.row(_HASHES, params) or (None, None)
    if len(nodes or ()) != len(stored) or len(leaves or ()) != len(numbers):
        raise HuxinError("H1312", size=max((index + 1) << level for level, index in asked))
    data = dict(zip(numbers, leaves or (), strict=True))
    below = {each: _made(data[number] for number in _leaves_of(each)) for each in made}
    return dict(zip(stored, nodes or (), strict=True)) | below


def _leaves_of(subtree: Subtree) -> range:
    level, index = subtree
    return range(index << level, (index + 1) << level)


def _made(data: Iterable[bytes]) -> bytes:
    peaks: list[bytes] = []
    for number, each in enumerate(data):
        append(peaks, number, leaf_hash(each), [])
    return root_of(peaks)
