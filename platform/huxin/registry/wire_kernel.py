"""The compiled loops that put a column into rows of PostgreSQL's binary COPY. Needs numba; `wire_plain` does without.

Each writes one field of every row: its length, four bytes big-endian (-1 for null), and its value. Of row j it is
the value at order[j] of the column; it goes to at[j] of the target, and at[j] moves on behind it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_ONE = np.uint64(
    1
)  # places are unsigned: of a signed one numba would ask, at each use, whether it counts from the end


@njit(nogil=True)  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def _length(target: Any, place: Any, length: Any) -> Any:
    """Writes a length and gives the place behind it."""
    for byte in range(4):
        target[place] = (length >> (8 * (3 - byte))) & 255
        place += _ONE
    return place


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def put_numbers(target: Any, at: Any, order: Any, values: Any, there: Any) -> None:
    """Signed numbers of one, two, four or eight bytes; `there` (n, or empty for all) says which are no nulls."""
    size = values.itemsize
    some = len(there) > 0
    for row in range(len(at)):
        place, source = np.uint64(at[row]), np.uint64(order[row])
        if some and not there[source]:
            at[row] = _length(target, place, -1)
            continue
        place = _length(target, place, size)
        value = values[source]
        for byte in range(size):
            target[place + np.uint64(byte)] = (value >> (8 * (size - 1 - byte))) & 255
        at[row] = place + np.uint64(size)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def put_blocks(target: Any, at: Any, order: Any, values: Any, there: Any) -> None:
    """Values of 16 bytes, (n, 16)."""
    some = len(there) > 0
    for row in range(len(at)):
        place, source = np.uint64(at[row]), np.uint64(order[row])
        if some and not there[source]:
            at[row] = _length(target, place, -1)
            continue
        place = _length(target, place, 16)
        for byte in range(16):
            target[place + np.uint64(byte)] = values[source, byte]
        at[row] = place + np.uint64(16)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def put_texts(target: Any, at: Any, order: Any, flat: Any, places: Any, there: Any) -> None:
    """Texts: row i of the column is flat[places[i]:places[i + 1]]."""
    some = len(there) > 0
    for row in range(len(at)):
        place, source = np.uint64(at[row]), np.uint64(order[row])
        if some and not there[source]:
            at[row] = _length(target, place, -1)
            continue
        first, last = np.uint64(places[source]), np.uint64(places[source + _ONE])
        place = _length(target, place, np.int64(last - first))
        while first < last:
            target[place] = flat[first]
            place += _ONE
            first += _ONE
        at[row] = place


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]  # no types there
def put_rows(target: Any, order: Any, rows: Any, places: Any) -> None:
    """Whole rows, one behind the other: row i is rows[places[i]:places[i + 1]]."""
    place = np.uint64(0)
    for row in range(len(order)):
        source = np.uint64(order[row])
        first, last = np.uint64(places[source]), np.uint64(places[source + _ONE])
        while first < last:
            target[place] = rows[first]
            place += _ONE
            first += _ONE
