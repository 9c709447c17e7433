"""Arrow string columns as numpy sees them: flat bytes, lengths, fixed-width matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]


def plain(column: Any) -> Any:
    """A column (string, large_string, view, dictionary, chunked) as one pa.LargeStringArray."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
        if isinstance(column, pa.ChunkedArray):  # several chunks too large for one string array
            column = pa.concat_arrays([plain(chunk) for chunk in column.chunks])
    return column if column.type == pa.large_string() else column.cast(pa.large_string())


def offsets(column: Any) -> npt.NDArray[np.int64]:
    """The n + 1 byte offsets of a pa.LargeStringArray into its data buffer."""
    if len(column) == 0:
        return np.zeros(1, dtype=np.int64)
    whole = np.frombuffer(column.buffers()[1], dtype=np.int64)
    return whole[column.offset : column.offset + len(column) + 1]


def data(column: Any) -> Bytes:
    """The whole data buffer of a pa.LargeStringArray; read it through `offsets`."""
    buffer = column.buffers()[2]
    return np.zeros(0, dtype=np.uint8) if buffer is None else np.frombuffer(buffer, dtype=np.uint8)


def valid(column: Any) -> Flags:
    """True where the column has a value."""
    if column.null_count == 0:
        return np.ones(len(column), dtype=np.bool_)
    flags: Flags = column.is_valid().to_numpy(zero_copy_only=False)
    return flags


def picked(column: Any, flags: Flags) -> Any:
    """The rows of `column` where `flags`; the column itself when that is all of them."""
    return column if flags.all() else column.filter(pa.array(flags))


def matrix(column: Any, width: int) -> Bytes:
    """(n, width) bytes of a column without nulls whose values all have `width` bytes; no copy."""
    start = offsets(column)[0]
    return data(column)[start : start + width * len(column)].reshape(-1, width)


def from_matrix(rows: Bytes) -> Any:
    """A pa.LargeStringArray of the (n, width) ASCII bytes."""
    count, width = rows.shape
    places = np.arange(count + 1, dtype=np.int64) * width
    buffers = [None, pa.py_buffer(places), pa.py_buffer(np.ascontiguousarray(rows))]
    return pa.Array.from_buffers(pa.large_string(), count, buffers)
