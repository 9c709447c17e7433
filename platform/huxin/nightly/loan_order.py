"""The order of rows by member and loan number, byte by byte as the key of `loan_key` has it (collation "C")."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Order = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
_BITS = 64


def by_loan(table: pa.Table) -> Order:
    """The places of the rows by `member_id` and `loan_no`.

    Loan numbers of one house differ in a few characters, each of few kinds: these are packed into one number a row,
    which is sorted four times as fast as the texts. Where they do not fit, the texts are sorted.
    """
    key = _packed(table)
    if key is None:
        rows = pl.DataFrame(pl.from_arrow(table.select(["member_id", "loan_no"])))
        return rows.select(pl.arg_sort_by("member_id", "loan_no")).to_series().to_numpy().astype(np.int64)
    return np.argsort(key, kind="stable")


def _packed(table: pa.Table) -> npt.NDArray[np.uint64] | None:
    """Numbers in the order of the rows' keys, None where 64 bits are too few."""
    key, used = np.zeros(table.num_rows, np.uint64), 0
    members = table["member_id"].to_numpy().astype(">u4").view(np.uint8).reshape(-1, 4)
    texts = _Texts(table["loan_no"].combine_chunks() if table.num_rows else pa.array([], pa.string()))
    for column in (*members.T, *map(texts.column, range(texts.width))):
        kinds = np.bincount(column, minlength=256) > 0
        bits = int(kinds.sum() - 1).bit_length() if len(column) else 0
        used += bits
        if used > _BITS:
            return None
        if bits:
            rank = (np.cumsum(kinds) - 1).astype(np.uint64)
            key = (key << np.uint64(bits)) | rank[column]
    return key


class _Texts:
    """Texts as columns of bytes; what a text is too short for is zero, which no text holds."""

    def __init__(self, texts: pa.Array) -> None:
        wide = np.int64 if pa.types.is_large_string(texts.type) else np.int32
        _, offsets, data = texts.buffers()
        every = np.frombuffer(offsets, wide) if offsets and offsets.size else np.zeros(1, wide)
        ends = every[texts.offset : texts.offset + len(texts) + 1]
        self._flat = np.frombuffer(data or b"", np.uint8)
        self._begins, self._lengths = ends[:-1], np.diff(ends)
        self.width = int(self._lengths.max(initial=0))

    def column(self, place: int) -> Bytes:
        """The byte at this place of each text."""
        there = self._lengths > place
        found = np.zeros(len(there), np.uint8)
        found[there] = self._flat[self._begins[there] + place]
        return found
