"""A member's data file to RAW frames, whatever its format: the file's first bytes tell, not its name."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from huxin_checks.contract import Contract
from huxin_checks.read.csv_file import CsvFile
from huxin_checks.read.frames import raw_schema
from huxin_checks.read.layout import Layout
from huxin_checks.read.parquet_file import ParquetFile
from huxin_checks.read.refused import FileRefused
from huxin_checks.read.short_files import Picked, Short, picked_together
from huxin_checks.read.xlsx_file import XlsxFile

BATCH_ROWS = 200_000

_ENCRYPTED_OFFICE = "EncryptedPackage".encode("utf-16-le")


class _File(Protocol):
    layout: Layout

    def frames(self) -> Iterator[pl.DataFrame]: ...


class RowReader:
    """The rows of one file, once: iterate for RAW frames of at most `batch_rows` rows, in file order.

    Iterating raises FileRefused when the file turns out unreadable on the way; the rows before that
    came already, so a caller keeps nothing of a file until its last frame. The source stays open.
    """

    def __init__(self, file: _File) -> None:
        self.layout = file.layout
        self._file = file
        self._frames = file.frames()

    def short(self) -> Short | None:
        """All rows at once as text, where the file is a short CSV that `together` can parse with others.

        To be asked before the first frame; None says that the frames give them. FileRefused as while iterating.
        """
        return self._file.short() if isinstance(self._file, CsvFile) else None

    def __iter__(self) -> Iterator[pl.DataFrame]:
        return self._frames

    def __enter__(self) -> RowReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        close = getattr(self._frames, "close", None)
        if close is not None:
            close()


def open_rows(source: BinaryIO, name: str, contract: Contract, batch_rows: int = BATCH_ROWS) -> RowReader:
    """The reader of a data file; reads `source` (seekable) from its start up to the header.

    `name` is the file's name as sent: never opened, and no more than a hint; what a name promises and
    the content does not keep is the content's matter. FileRefused with F0003 or F0004.
    """
    return RowReader(open_file(source, contract, batch_rows))


def open_file(source: BinaryIO, contract: Contract, batch_rows: int) -> _File:
    """The file of whatever format the first bytes tell, read up to its header."""
    source.seek(0)
    magic = source.read(8)
    source.seek(0)
    if not magic:
        raise FileRefused("empty")
    if magic.startswith(b"PK"):
        return XlsxFile(source, contract, batch_rows)
    if magic.startswith((b"PAR1", b"PARE")):
        return ParquetFile(source, contract, batch_rows)
    if magic.startswith(b"\xd0\xcf\x11\xe0"):
        raise FileRefused("encrypted" if _is_encrypted(source) else "old_xls")
    return CsvFile(source, contract, batch_rows, compressed=magic.startswith(b"\x1f\x8b"))


def _is_encrypted(source: BinaryIO) -> bool:
    """Whether an OLE file wraps an encrypted XLSX: a stream of that name stands in its directory."""
    head = source.read(512)
    if len(head) < 512:
        return False
    shift, first = struct.unpack_from("<H", head, 30)[0], struct.unpack_from("<I", head, 48)[0]
    if shift > 16:
        return False
    source.seek((first + 1) << shift)
    return _ENCRYPTED_OFFICE in source.read(4096)


def rows_at(
    source: BinaryIO,
    name: str,
    contract: Contract,
    records: NDArray[np.uint32],
    lines: NDArray[np.uint32] | None = None,
) -> pl.DataFrame:
    """The RAW rows of just these records (sorted), read in a second pass that ends at the last of them.

    With the source line of each record a CSV is not parsed again: the lines alone are picked out.
    """
    found = picked_at(source, name, contract, records, lines)
    return picked_together([found], contract) if isinstance(found, Picked) else found


def picked_at(
    source: BinaryIO,
    name: str,
    contract: Contract,
    records: NDArray[np.uint32],
    lines: NDArray[np.uint32] | None = None,
) -> Picked | pl.DataFrame:
    """The same, of a CSV as cells, which `picked_together` lays out with those of other files."""
    found: list[pl.DataFrame] = []
    last = int(records[-1]) if records.size else 0
    file = open_file(source, contract, BATCH_ROWS)
    if lines is not None and last and isinstance(file, CsvFile):
        return file.picked(records, lines)
    with RowReader(file) as rows:
        for frame in rows if last else ():
            begin, end = int(frame["_record"][0]), int(frame["_record"][-1])
            wanted = records[np.searchsorted(records, begin) : np.searchsorted(records, end, side="right")]
            found.append(frame[wanted.astype(np.int64) - begin])
            if end >= last:
                break
    return pl.concat(found) if found else pl.DataFrame(schema=raw_schema(contract))
