"""What an XLSX file would unpack to, found out before a parser that trusts it is let near."""

from __future__ import annotations

import io
import re
import string
import struct
import zipfile
import zlib
from collections.abc import Iterator

from huxin_checks.read.refused import FileRefused, guarded
from huxin_checks.read.source import BOMB_FROM, BOMB_RATIO, CHUNK

MAX_PACKED = 256 << 20
MAX_UNPACKED = 1 << 30
_MAX_PARTS = 10_000
_SPARE_AREA, _AREA_PER_CELL = 2_000_000, 4
"""Cells that a sheet's outline may span: the parser keeps all of them in memory, the absent ones too."""

_STORED, _DEFLATED = 0, 8
_LOCAL_HEADER = struct.Struct("<26xHH")
_REFERENCE = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,8}[0-9]{1,12})""")
_OVERLAP = 64
_DIGITS, _LETTERS = string.digits.encode(), string.ascii_letters.encode()


def check_xlsx(raw: bytes) -> None:
    """FileRefused F0004 unless `raw` is an unencrypted XLSX of bearable size.

    Every part is unpacked once and thrown away: the sizes in a zip's directory may lie.
    """
    archive = guarded("corrupt", zipfile.ZipFile, io.BytesIO(raw))
    parts = archive.infolist()
    if len(parts) > _MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise FileRefused("bomb")
    if "xl/workbook.xml" not in {part.filename for part in parts}:
        raise FileRefused("zip")
    total = 0
    for part in parts:
        if part.flag_bits & 1:
            raise FileRefused("encrypted")
        outline = _Outline()
        for piece in _unpacked(raw, part):
            total += len(piece)
            if total > max(BOMB_FROM, min(MAX_UNPACKED, BOMB_RATIO * len(raw))):
                raise FileRefused("bomb")
            outline.add(piece)
        outline.check()


def _unpacked(raw: bytes, part: zipfile.ZipInfo) -> Iterator[bytes]:
    lengths = guarded("corrupt", _LOCAL_HEADER.unpack_from, raw, part.header_offset)
    start = part.header_offset + 30 + sum(lengths)
    packed = raw[start : start + part.compress_size]
    if part.compress_type == _STORED:
        yield packed
    elif part.compress_type == _DEFLATED:
        yield from _inflated(packed)
    else:
        raise FileRefused("corrupt")


def _inflated(packed: bytes) -> Iterator[bytes]:
    inflate = zlib.decompressobj(-15)
    while not inflate.eof:
        out = guarded("corrupt", inflate.decompress, packed, CHUNK)
        packed = inflate.unconsumed_tail
        if not out and not inflate.eof:
            raise FileRefused("truncated")
        yield out


class _Outline:
    """The furthest column and row that the cells of a part name, and how many cells there are."""

    def __init__(self) -> None:
        self._tail = b""
        self._cells = self._row = 0
        self._columns: set[bytes] = set()

    def add(self, piece: bytes) -> None:
        """Takes the next piece of the part; a reference cut in two is seen with the piece after it."""
        text = self._tail + piece
        self._tail = text[-_OVERLAP:]
        found = _REFERENCE.findall(text)
        if found:
            references = b" ".join(found)
            self._cells += len(found)
            self._columns.update(references.translate(None, _DIGITS).split())
            self._row = max(self._row, *map(int, set(references.translate(None, _LETTERS).split())))

    def check(self) -> None:
        """Refuses an outline far larger than its cells: parsing it would take memory without end."""
        width = max(map(_number, self._columns), default=0)
        if width * self._row > _SPARE_AREA + _AREA_PER_CELL * self._cells:
            raise FileRefused("sparse_sheet")


def _number(column: bytes) -> int:
    number = 0
    for letter in column.upper():
        number = number * 26 + letter - 64
    return number
