"""A member's Parquet file: columns of any plain type as text, batch by batch."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from huxin_checks.contract import Contract
from huxin_checks.read.frames import RawFrames, column_names
from huxin_checks.read.layout import Layout, match_headers, shown
from huxin_checks.read.refused import FileRefused, guarded
from huxin_checks.read.source import BOMB_FROM, BOMB_RATIO
from huxin_checks.read.text_of import moment, number

T = TypeVar("T")

_MAGIC, _SEALED = b"PAR1", b"PARE"
_MAX_ROWS = 500_000_000
_MAX_BATCH_BYTES = 256 << 20
"""Text of one column in one batch: a dictionary can repeat one long value for next to no bytes."""


class ParquetFile:
    """Reads up to the schema on opening; `frames` gives the rest, once."""

    def __init__(self, source: BinaryIO, contract: Contract, batch_rows: int) -> None:
        size = _check_ends(source)
        self._source = _Watched(source)
        self._contract, self._batch_rows = contract, batch_rows
        about = self._guarded(pq.read_metadata, self._python_file())
        schema = self._guarded(about.schema.to_arrow_schema)
        headers, fields = match_headers(list(schema.names), contract, 1)
        self.layout = Layout("parquet", "utf-8", "", headers, fields)
        nested = [field.name for field in schema if pa.types.is_nested(field.type)]
        if nested:
            raise FileRefused("nested_column", line=1, headers=shown(nested))
        if about.num_rows > _MAX_ROWS or _unpacked(about) > max(BOMB_FROM, BOMB_RATIO * size):
            raise FileRefused("bomb")
        self._wanted = [header for header, field in zip(headers, fields, strict=True) if field]
        self._dictionary = [header for header in self._wanted if _is_text(schema.field(header).type)]

    def frames(self) -> Iterator[pl.DataFrame]:
        """RAW frames of at most `batch_rows` rows; `_line` is the record's number + 1 (for the header)."""
        raw = RawFrames(self.layout, self._contract, skip_blank=False)
        batches = self._guarded(self._batches)
        while (batch := self._guarded(next, batches, None)) is not None:
            cells = self._guarded(self._cells, batch)
            lines = np.arange(raw.records + 2, raw.records + 2 + cells.height, dtype=np.uint32)
            del batch
            if cells.height:
                yield raw.build(cells, lines)

    def _python_file(self) -> Any:
        return pa.PythonFile(self._source, mode="r")

    def _batches(self) -> Iterator[Any]:
        """Without read-ahead, whose buffers hold a row group; text columns stay dictionaries till weighed."""
        file = pq.ParquetFile(
            self._python_file(), read_dictionary=self._dictionary, pre_buffer=False, buffer_size=1 << 20
        )
        batches: Iterator[Any] = file.iter_batches(batch_size=self._batch_rows, columns=self._wanted)
        return batches

    def _cells(self, batch: Any) -> pl.DataFrame:
        columns = zip(self.layout.headers, self.layout.fields, strict=True)
        names = column_names(len(self.layout.headers))
        return pl.DataFrame(
            [
                _text(name, batch.column(header) if field else pa.nulls(batch.num_rows))
                for name, (header, field) in zip(names, columns, strict=True)
            ]
        )

    def _guarded(self, call: Callable[..., T], *args: Any) -> T:
        """As `guarded`, but a fault of the source itself (a disk, a broken seal) is not the member's."""
        try:
            return guarded("corrupt", call, *args)
        except FileRefused:
            if self._source.fault is None:
                raise
        raise self._source.fault


class _Watched:
    """The source as Arrow reads it; remembers what went wrong in it, and is not Arrow's to close."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.fault: Exception | None = None
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        try:
            return self._source.read(size)
        except Exception as fault:
            self.fault = fault
            raise

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()

    def close(self) -> None:
        self.closed = True


def _check_ends(source: BinaryIO) -> int:
    """The size of a file that begins and ends as Parquet does."""
    size = source.seek(0, 2)
    source.seek(max(size - 4, 0))
    tail = source.read(4)
    source.seek(0)
    if tail == _SEALED:
        raise FileRefused("encrypted")
    if size < 12 or tail != _MAGIC:
        raise FileRefused("truncated")
    return size


def _unpacked(about: Any) -> int:
    return sum(int(about.row_group(at).total_byte_size) for at in range(about.num_row_groups))


def _is_text(kind: Any) -> bool:
    is_text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(test(kind) for test in is_text)


def _says_utf8(kind: Any) -> bool:
    is_text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(test(kind) for test in is_text)


def _text(name: str, column: Any) -> pl.Series:
    """A column of any plain type as text: dates ISO, decimals plain, floats shortest, no dictionaries."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        if _says_utf8(column.dictionary.type):
            guarded("encoding", column.dictionary.validate, full=True)
        return _text(name, _looked_up(column))
    if _says_utf8(kind):
        guarded(
            "encoding", column.validate, full=True
        )  # a writer's word; polars takes it and falls over later
    if pa.types.is_null(kind):
        return pl.Series(name, [None], dtype=pl.String).new_from_index(0, len(column))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_decimal256(kind):
        column = column.cast(pa.large_string())
    series = pl.Series(name, column)
    if series.dtype == pl.Datetime:
        return _moments(series)
    if series.dtype.is_float():
        shortest = series.cast(pl.String).cast(pl.Float64)  # a Float32 by its own digits, not its neighbour's
        texts = [None if value is None else number(value) or None for value in shortest]
        return pl.Series(name, texts, dtype=pl.String)
    return series.cast(pl.String)


def _moments(series: pl.Series) -> pl.Series:
    if (series.dt.time() == dt.time()).all():
        return series.dt.date().cast(pl.String)
    texts = [None if value is None else moment(value) for value in series]
    return pl.Series(series.name, texts, dtype=pl.String)


def _looked_up(column: Any) -> Any:
    if _is_text(column.dictionary.type):
        lengths = pc.binary_length(column.dictionary)
        if (pc.sum(lengths.take(column.indices)).as_py() or 0) > _MAX_BATCH_BYTES:
            raise FileRefused("bomb")
    return column.dictionary_decode()
