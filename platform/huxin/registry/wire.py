"""Arrow to the rows of PostgreSQL's binary COPY and back (PostgreSQL's documentation, COPY, Binary Format).

A row is its count of fields (16 bits), then of each field its length (32 bits, -1 for null) and value, big-endian.
Rows are put together column by column as they lie there, and then brought into their order as wholes: to fetch a row
costs the memory one jump, to fetch its forty fields costs forty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huxin.registry import wire_plain
from huxin.registry.blocks import blocks

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"
_ROWS = 4_096  # rows of one part: a megabyte or two
_NEAR = 1_024  # of these at a time, column by column: what they fill stays in the processor's cache
_SLACK = 1.1  # rows of one table may be a little longer than those of another
_EPOCH_DAYS = 10_957  # PostgreSQL counts from 2000, Arrow from 1970
_EPOCH_MICROSECONDS = 946_684_800_000_000

Bytes = npt.NDArray[np.uint8]
Order = npt.NDArray[np.int64]
Put = Callable[[Bytes, Order, Order], None]
_ALL: Final[Bytes] = np.empty(0, np.uint8)
_ALL.flags.writeable = False


@dataclass(frozen=True)
class Encoded:
    """Rows for COPY, made as they are asked for, and the names of their columns."""

    columns: tuple[str, ...]
    parts: Iterable[Bytes]


@dataclass(frozen=True)
class _Column:
    """A column on its way: what it adds to each row's length, and how it is put there."""

    lengths: npt.NDArray[np.int64] | int
    put: Put


def prepare() -> bool:
    """Loads the compiled loops and runs each once, so that no night compiles them; False where there are none."""
    sample = {
        "b": pa.array([True, None]),
        "h": pa.array([1, None], pa.int16()),
        "i": pa.array([1, None], pa.int32()),
        "q": pa.array([1, None], pa.int64()),
        "u": pa.array([bytes(16), None], pa.binary(16)),
        "t": pa.array(["", None]),
    }
    list(encode(pa.table(sample), np.array([1, 0])))
    return _loops() is not wire_plain


class Rows:
    """Rows put together as tables of the same columns come, to be sent in one order when all are there.

    `expected` is how many there will be at most, as far as is known: what need not be moved costs no time.
    """

    def __init__(self, expected: int = 0) -> None:
        self._expected = expected
        self._rows: Bytes = np.empty(0, np.uint8)
        self._used = 0
        self._places: list[npt.NDArray[np.int64]] = [np.zeros(1, np.int64)]

    def add(self, table: pa.Table) -> None:
        """Puts rows behind those that are there; the table is not needed any more."""
        columns, places = _laid_out(table)
        begin, size = self._used, int(places[-1])
        if begin + size > len(self._rows):
            self._grow(begin, size, table.num_rows)
        _put(columns, places, 0, self._rows[begin : begin + size])
        self._places.append(places[1:] + begin)
        self._used += size

    def _grow(self, begin: int, size: int, count: int) -> None:
        done = sum(map(len, self._places)) - 1
        coming = max(count, self._expected - done) / max(count, 1)
        rows = np.empty(begin + int(size * coming * _SLACK) + 1, np.uint8)
        rows[:begin] = self._rows[:begin]
        self._rows = rows

    def ordered(self, order: Order) -> Iterator[Bytes]:
        """The rows in this order (their numbers as they came), some thousand at a time."""
        places, rows = _fixed(np.concatenate(self._places)), _fixed(self._rows)
        order = _fixed(order.astype(np.int64, copy=False))
        for start in range(0, len(order), _ROWS):
            part = order[start : start + _ROWS]
            target = np.empty((places[part + 1] - places[part]).sum(), np.uint8)
            _loops().put_rows(target, part, rows, places)
            yield target


def encode(table: pa.Table, order: Order | None = None) -> Iterator[Bytes]:
    """The rows in this order (places of rows of the table), as bytes, some thousand rows at a time.

    Types: bool, int16, int32, int64, date32, timestamp in microseconds, binary(16) as uuid, string. HEADER goes
    before the first row and TRAILER behind the last.
    """
    if order is None:
        return _in_turn(*_laid_out(table))
    rows = Rows()
    rows.add(table)
    return rows.ordered(order)


def decode(data: bytes, columns: Mapping[str, str]) -> pa.Table:
    """Records of fixed width without nulls, as the send functions of these types give them, as a table.

    Types: bool, int2, int4, int8, timestamptz, uuid (as binary(16)).
    """
    layout = np.dtype([(name, *_RECEIVED[kind]) for name, kind in columns.items()])
    records = np.frombuffer(data, layout)
    return pa.table({name: _received(records[name], kind) for name, kind in columns.items()})


_RECEIVED: Final[dict[str, tuple[Any, ...]]] = {
    "bool": ("?",),
    "int2": (">i2",),
    "int4": (">i4",),
    "int8": (">i8",),
    "uuid": ("u1", (16,)),
    "timestamptz": (">i8",),
}


def _received(values: npt.NDArray[Any], kind: str) -> pa.Array:
    if kind == "uuid":
        return blocks(values)
    return pa.array(values.astype(values.dtype.newbyteorder("=")))


def _put(columns: list[_Column], places: npt.NDArray[np.int64], first: int, target: Bytes) -> Bytes:
    """Fills `target` with the rows from `first` on; row first + i goes to places[i] - places[0]."""
    for start in range(0, len(places) - 1, _NEAR):
        at = places[start : min(start + _NEAR, len(places) - 1)] - places[0]
        target[at] = len(columns) >> 8
        target[at + 1] = len(columns) & 255
        at += 2
        near = _fixed(np.arange(first + start, first + start + len(at)))
        for column in columns:
            column.put(target, at, near)
    return target


def _in_turn(columns: list[_Column], places: npt.NDArray[np.int64]) -> Iterator[Bytes]:
    for start in range(0, len(places) - 1, _ROWS):
        part = places[start : start + _ROWS + 1]
        yield _put(columns, part, start, np.empty(part[-1] - part[0], np.uint8))


def _laid_out(table: pa.Table) -> tuple[list[_Column], npt.NDArray[np.int64]]:
    """The columns, and where in the whole each row begins, ending with the length of the whole."""
    columns = [_column(column) for column in table.columns]
    lengths = np.full(table.num_rows, 2, np.int64)
    for column in columns:
        lengths += column.lengths
    return columns, np.concatenate(([0], np.cumsum(lengths)))


def _column(column: pa.ChunkedArray) -> _Column:
    whole = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    there = _there(whole)
    if pa.types.is_string(whole.type) or pa.types.is_large_string(whole.type):
        return _texts(whole, there)
    loops = _loops()
    if pa.types.is_fixed_size_binary(whole.type) and whole.type.byte_width == 16:
        data = np.frombuffer(whole.buffers()[1] or b"", np.uint8)
        rows = _fixed(data[whole.offset * 16 : (whole.offset + len(whole)) * 16].reshape(-1, 16))
        return _Column(
            _width(16, there), lambda target, at, order: loops.put_blocks(target, at, order, rows, there)
        )
    values = _fixed(_numbers(whole))
    return _Column(
        _width(values.itemsize, there),
        lambda target, at, order: loops.put_numbers(target, at, order, values, there),
    )


def _texts(whole: pa.Array, there: Bytes) -> _Column:
    loops = _loops()
    wide = np.int64 if pa.types.is_large_string(whole.type) else np.int32
    _, offsets, data = whole.buffers()
    every = np.frombuffer(offsets, wide) if offsets and offsets.size else np.zeros(1, wide)
    places = _fixed(every[whole.offset : whole.offset + len(whole) + 1].astype(np.int64))
    flat = _fixed(np.frombuffer(data or b"", np.uint8))
    sizes = np.diff(places)
    if len(there):
        sizes *= there  # what lies behind a null is nobody's concern
    return _Column(
        sizes + 4, lambda target, at, order: loops.put_texts(target, at, order, flat, places, there)
    )


def _numbers(whole: pa.Array) -> npt.NDArray[Any]:
    kind = whole.type
    if pa.types.is_boolean(kind):
        whole = whole.cast(pa.int8())
    elif pa.types.is_date32(kind):
        return _raw(whole, np.int32) - np.int32(_EPOCH_DAYS)
    elif pa.types.is_timestamp(kind) and kind.unit == "us":
        return _raw(whole, np.int64) - np.int64(_EPOCH_MICROSECONDS)
    elif not pa.types.is_signed_integer(kind):
        raise TypeError(f"no way to send {kind}")
    return _raw(whole, whole.type.to_pandas_dtype())


def _raw(whole: pa.Array, kind: Any) -> npt.NDArray[Any]:
    """The values as they lie there, whatever stands for null among them."""
    data = np.frombuffer(whole.buffers()[1] or b"", kind)
    return data[whole.offset : whole.offset + len(whole)]


def _there(whole: pa.Array) -> Bytes:
    if not whole.null_count:
        return _ALL
    bits = np.frombuffer(whole.buffers()[0], np.uint8)
    every = np.unpackbits(bits, bitorder="little", count=whole.offset + len(whole))
    return _fixed(every[whole.offset :])


def _width(size: int, there: Bytes) -> npt.NDArray[np.int64] | int:
    return there.astype(np.int64) * size + 4 if len(there) else size + 4


def _fixed(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    # Arrays that differ in being writable or contiguous would each cost a compilation.
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


@lru_cache(maxsize=1)
def _loops() -> ModuleType:
    try:
        from huxin.registry import wire_kernel
    except Exception:  # numba missing, broken, or without a place for its cache: do without
        return wire_plain
    return wire_kernel
