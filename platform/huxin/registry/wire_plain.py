"""What `wire_kernel` does, by numpy alone: for where numba is missing, broken or without a place for its cache."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
_NULL = np.full(4, 255, np.uint8)


def put_numbers(target: Bytes, at: Places, order: Places, values: npt.NDArray[Any], there: Bytes) -> None:
    """Signed numbers of one, two, four or eight bytes; `there` (n, or empty for all) says which are no nulls."""
    size = values.itemsize
    chosen = values[order].astype(values.dtype.newbyteorder(">")).view(np.uint8).reshape(-1, size)
    _put_fixed(target, at, order, chosen, there)


def put_blocks(target: Bytes, at: Places, order: Places, values: Bytes, there: Bytes) -> None:
    """Values of 16 bytes, (n, 16)."""
    _put_fixed(target, at, order, values[order], there)


def put_texts(target: Bytes, at: Places, order: Places, flat: Bytes, places: Places, there: Bytes) -> None:
    """Texts: row i of the column is flat[places[i]:places[i + 1]]."""
    given = _given(order, there)
    _put(target, at[~given], np.broadcast_to(_NULL, ((~given).sum(), 4)))
    first = places[order[given]]
    lengths = places[order[given] + 1] - first
    _put(target, at[given], _lengths(lengths))
    if lengths.any():
        # Of each byte: how far behind the first one of its own text.
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        target[np.repeat(at[given] + 4, lengths) + within] = flat[np.repeat(first, lengths) + within]
    at += 4
    at[given] += lengths


def put_rows(target: Bytes, order: Places, rows: Bytes, places: Places) -> None:
    """Whole rows, one behind the other: row i is rows[places[i]:places[i + 1]]."""
    lengths = places[order + 1] - places[order]
    jumps = places[order] - np.cumsum(lengths) + lengths
    np.take(rows, np.arange(len(target)) + np.repeat(jumps, lengths), out=target)


def _put_fixed(target: Bytes, at: Places, order: Places, chosen: Bytes, there: Bytes) -> None:
    given = _given(order, there)
    _put(target, at[~given], np.broadcast_to(_NULL, ((~given).sum(), 4)))
    size = chosen.shape[1]
    _put(target, at[given], _lengths(np.full(given.sum(), size)))
    _put(target, at[given] + 4, chosen[given])
    at += 4
    at[given] += size


def _given(order: Places, there: Bytes) -> npt.NDArray[np.bool_]:
    return there[order].astype(bool) if len(there) else np.ones(len(order), bool)


def _lengths(lengths: npt.NDArray[Any]) -> Bytes:
    return lengths.astype(">i4").view(np.uint8).reshape(-1, 4)


def _put(target: Bytes, at: Places, rows: Bytes) -> None:
    target[at[:, None] + np.arange(rows.shape[1])] = rows
