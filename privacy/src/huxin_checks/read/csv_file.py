"""A member's CSV, whatever its dialect: header first, then RAW frames block by block."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import polars as pl
from numpy.typing import NDArray

from huxin_checks.contract import Contract
from huxin_checks.read.blocks import Dialect, Parsed, most_rows, parse
from huxin_checks.read.encoding import Decoder
from huxin_checks.read.frames import RawFrames
from huxin_checks.read.layout import Layout, known_headers, match_headers
from huxin_checks.read.picking import pick
from huxin_checks.read.records import Records, split_records
from huxin_checks.read.refused import FileRefused
from huxin_checks.read.short_files import SHORT, Picked, Short
from huxin_checks.read.source import MAX_LINE, chunks, gunzipped, line_blocks, text_chunks

DELIMITERS = (",", ";", "\t", "|")

_ROW_BYTES = 320
_MIN_BLOCK, _MAX_BLOCK = 1 << 18, 16 << 20
"""A block takes ten times its size while it is parsed, its frame four times; larger ones are not faster."""

_EXCEL_SEPARATOR = re.compile(rb'"?sep=([,;\t|])"?\r?\n', re.IGNORECASE)
_NOTHING = ' \t\r\n,;|"\u3000\u00a0\ufeff'


class CsvFile:
    """Reads up to the header on opening; `frames` gives the rest, once."""

    def __init__(self, source: BinaryIO, contract: Contract, batch_rows: int, *, compressed: bool) -> None:
        size = min(max(batch_rows * _ROW_BYTES, _MIN_BLOCK), _MAX_BLOCK)
        parts = chunks(source)
        self._blocks = line_blocks(text_chunks(gunzipped(parts) if compressed else parts), size)
        self._decoder = Decoder()
        self._contract, self._batch_rows, self._compressed = contract, batch_rows, compressed
        self._line, self._final = 1, False
        self._rest = self._more(b"")
        if not self._rest:
            raise FileRefused("empty")
        self._dialect, self.layout = self._header()

    def frames(self) -> Iterator[pl.DataFrame]:
        """RAW frames of at most `batch_rows` rows; FileRefused if the file proves unreadable on the way."""
        raw = RawFrames(self.layout, self._contract)
        while self._rest:
            self._drop_empty_lines()
            parsed = parse(self._rest, self._dialect, final=self._final)
            if not parsed.used:
                self._rest = self._continued()
                continue
            lines = (parsed.lines + self._line).astype(np.uint32)
            slices = raw.build(parsed.cells, lines).iter_slices(self._batch_rows)
            self._take(parsed)
            del parsed
            yield from (frame for frame in slices if frame.height)
            del slices
            self._rest = self._rest or self._more(b"")

    def short(self) -> Short | None:
        """What is left of the file, where that is short and regular enough to be parsed together with others'.

        None elsewhere: then `frames` gives it. FileRefused as from there.
        """
        self._drop_empty_lines()
        if not self._rest or len(self._rest) > SHORT or b'"' in self._rest:
            return None
        self._rest = self._more(self._rest)
        text = self._rest if self._rest.endswith(b"\n") else self._rest + b"\n"
        rows = text.count(b"\n")
        if not self._final or rows > most_rows(self._dialect):
            return None
        return Short(self.layout, text, self._line, rows)

    def picked(self, records: NDArray[np.uint32], lines: NDArray[np.uint32]) -> Picked:
        """These records, which begin at these source lines (ascending), in their order. Nothing else is parsed."""
        rows: list[list[str]] = []
        while self._rest and len(rows) < lines.size:
            count = self._rest.count(b"\n") + self._final
            left = lines[len(rows) :].astype(np.int64) - self._line
            found = pick(self._rest, self._dialect.delimiter, left[left < count], final=self._final)
            rows += found.rows
            if found.begin is None:
                self._line += count
                self._rest = b"" if self._final else self._more(self._rest[self._rest.rfind(b"\n") + 1 :])
            else:
                self._line += self._rest.count(b"\n", 0, found.begin)
                self._rest = self._rest[found.begin :]
                self._rest = self._continued()
        return Picked(self.layout, rows, records, lines)

    def _take(self, parsed: Parsed) -> None:
        self._rest = self._rest[parsed.used :]
        self._line += parsed.newlines

    def _drop_empty_lines(self) -> None:
        """Line breaks at the front, however many: cheaper than as rows of nothing."""
        if self._rest.startswith((b"\n", b"\r")):
            rest = self._rest.lstrip(b"\r\n")
            self._line += self._rest.count(b"\n", 0, len(self._rest) - len(rest))
            self._rest = rest

    def _continued(self) -> bytes:
        """The rest with the next block behind it: its first record is not whole yet."""
        if self._final or len(self._rest) > MAX_LINE:
            raise FileRefused("unclosed_quote", line=self._line)
        return self._more(self._rest)

    def _more(self, rest: bytes) -> bytes:
        """`rest` and the next block as UTF-8; when there is none, `rest` is known to be the final one."""
        try:
            block = next(self._blocks, b"")
            decoded = rest + self._decoder.decode(block) if block else rest
        except FileRefused as refused:
            raise refused.shifted(self._line - 1 + rest.count(b"\n")) from None
        self._final = not block
        return decoded

    def _header(self) -> tuple[Dialect, Layout]:
        """Finds the first record that is not blank and the delimiter that makes most of it."""
        given = _EXCEL_SEPARATOR.match(self._rest)
        if given:
            self._rest = self._rest[given.end() :]
            self._line += 1
        self._skip_blank_lines()
        text = _head(self._rest)
        choices = [given[1].decode()] if given else list(DELIMITERS)
        records = {mark: split_records(text, mark, final=True, limit=1) for mark in choices}
        mark = max(choices, key=lambda mark: self._merit(records[mark]))
        record = records[mark]
        if not record.rows:
            raise FileRefused("unclosed_quote" if text else "no_header", line=self._line)
        headers, fields = match_headers(record.rows[0], self._contract, self._line)
        self._rest = self._rest[len(text[: record.used].encode()) :]
        self._line += record.newlines
        layout = Layout("csv", self._decoder.encoding, mark, headers, fields, self._compressed)
        return Dialect(mark, len(headers)), layout

    def _merit(self, record: Records) -> tuple[int, int]:
        cells = record.rows[0] if record.rows else []
        return known_headers(cells, self._contract), len(cells)

    def _skip_blank_lines(self) -> None:
        """Drops lines without a letter; a header that does not come within a line's limit is none."""
        at = 0
        while at < min(len(self._rest), MAX_LINE):
            end = self._rest.find(b"\n", at) + 1 or len(self._rest)
            if self._rest[at:end].decode().strip(_NOTHING):
                self._rest = self._rest[at:]
                return
            at = end
            self._line += 1
        raise FileRefused("no_header")


def _head(block: bytes) -> str:
    """Enough of the block to hold the header: its first line, or when that has quotes, lines up to a limit."""
    end = block.find(b"\n") + 1 or len(block)
    if b'"' in block[:end] and len(block) > 2 * MAX_LINE:
        end = block.rfind(b"\n", 0, 2 * MAX_LINE) + 1
    elif b'"' in block[:end]:
        end = len(block)
    return block[:end].decode()
