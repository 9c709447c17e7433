"""16-byte values (tokens, subjects, marks) between numpy and Arrow; PostgreSQL reads them as uuid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Blocks = npt.NDArray[np.uint8]  # (n, 16)


def blocks(values: Blocks, present: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Rows of 16 bytes as an Arrow column, null where not present."""
    bitmap = None if present is None else pa.py_buffer(np.packbits(present, bitorder="little"))
    data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(values), [bitmap, data])


def from_column(column: pa.ChunkedArray) -> Blocks:
    """A column of 16-byte values without nulls, fixed or variable binary, as rows of bytes."""
    whole = pa.concat_arrays(column.cast(pa.binary(16)).chunks or [pa.array([], pa.binary(16))])
    data = np.frombuffer(whole.buffers()[1] or b"", np.uint8)
    return data[whole.offset * 16 : (whole.offset + len(whole)) * 16].reshape(-1, 16)
