"""A stable 64-bit digest of what a member says of one party's loan, so that an unchanged row is known at a glance.

Stable over versions of every library (a hash of polars is not: after an upgrade each row would look changed).
It is compared only with the digest of the same key, so two states of one loan collide once in 2^64.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from huxin_privacy.tokens import halves

_KEY = b"huxin/v1 row digest, not secret."
_TYPE = "row"
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # the odd number next to 2^64 over the golden ratio
_SHIFT = np.uint64(29)
_BACK = np.uint64(pow(int(_FACTOR), -1, 1 << 64))  # undoes the factor
_NULL = -(2**62) - 1  # no date, amount or label code is this


def row_digests(rows: pl.DataFrame) -> npt.NDArray[np.int64]:
    """One digest a row over all columns, in the order of the columns; null and empty text differ."""
    texts = [name for name, kind in rows.schema.items() if kind == pl.String]
    state = _text_digests(rows, texts)
    for name in rows.columns:
        if name not in texts:
            values = rows[name].to_physical().cast(pl.Int64).fill_null(_NULL).to_numpy().view(np.uint64)
            state = (state ^ values) * _FACTOR
            state ^= state >> _SHIFT
    return state.view(np.int64)


def with_last(
    digests: npt.NDArray[np.int64], old: npt.NDArray[np.int64], new: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """The digests of the same rows with other values in the last column, which is none of text."""
    mixed: npt.NDArray[np.uint64] = digests.view(np.uint64)
    mixed = mixed ^ (mixed >> _SHIFT) ^ (mixed >> (_SHIFT + _SHIFT))  # undoes the shift
    state: npt.NDArray[np.uint64] = ((mixed * _BACK) ^ old.view(np.uint64) ^ new.view(np.uint64)) * _FACTOR
    state ^= state >> _SHIFT
    return state.view(np.int64)


def _text_digests(rows: pl.DataFrame, texts: list[str]) -> npt.NDArray[np.uint64]:
    whole = rows.select(
        pl.concat_str([pl.col(name).fill_null("\x00") for name in texts], separator="\x1f")
    ).to_series()
    digests = halves(_KEY, _TYPE, whole.to_arrow())
    return np.ascontiguousarray(digests).view("<u8")[:, 0].copy()
