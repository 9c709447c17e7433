"""A member's XLSX: the first visible sheet with a header row, the cells' values, never a formula run."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import BinaryIO

import numpy as np
import polars as pl
import python_calamine as calamine

from huxin_checks.contract import Contract
from huxin_checks.read.frames import EXTRA, RawFrames, column_names
from huxin_checks.read.layout import BLANKS, Layout, known_headers, match_headers
from huxin_checks.read.refused import FileRefused, guarded
from huxin_checks.read.text_of import texts
from huxin_checks.read.xlsx_guard import MAX_PACKED, check_xlsx

_MAX_ROWS = 50_000
"""Rows that stand as Python objects at one time."""

Row = Sequence[object]


class XlsxFile:
    """Reads up to the header on opening; `frames` gives the rest, once."""

    def __init__(self, source: BinaryIO, contract: Contract, batch_rows: int) -> None:
        raw = source.read(MAX_PACKED + 1)
        if len(raw) > MAX_PACKED:
            raise FileRefused("bomb")
        check_xlsx(raw)
        self._contract, self._batch_rows = contract, min(batch_rows, _MAX_ROWS)
        book = guarded("corrupt", calamine.CalamineWorkbook.from_filelike, io.BytesIO(raw))
        self._rows, header, self._line = guarded("corrupt", _table, book, contract)
        headers, fields = match_headers(header, contract, self._line)
        self.layout = Layout("xlsx", "utf-8", "", headers, fields)

    def frames(self) -> Iterator[pl.DataFrame]:
        """RAW frames of at most `batch_rows` rows; `_line` is the sheet's row number."""
        raw = RawFrames(self.layout, self._contract)
        width = len(self.layout.headers)
        while rows := guarded("corrupt", _some, self._rows, self._batch_rows):
            lines = np.arange(self._line + 1, self._line + 1 + len(rows), dtype=np.uint32)
            self._line += len(rows)
            frame = raw.build(guarded("corrupt", _cells, rows, width), lines)
            del rows
            if frame.height:
                yield frame


def _table(book: calamine.CalamineWorkbook, contract: Contract) -> tuple[Iterator[Row], list[str], int]:
    """The rows below the header, the header's texts and its row number.

    The sheet is the first visible one whose first filled row names a field; failing that, the first
    visible one with anything in it, which is then refused for its header.
    """
    fallback: tuple[Iterator[Row], list[str], int] | None = None
    for sheet in book.sheets_metadata:
        if (
            sheet.visible != calamine.SheetVisibleEnum.Visible
            or sheet.typ != calamine.SheetTypeEnum.WorkSheet
        ):
            continue
        rows: Iterator[Row] = iter(book.get_sheet_by_name(sheet.name).iter_rows())
        for line, row in enumerate(rows, start=1):
            header = texts(row)
            if any(text.strip(BLANKS) for text in header):
                found = (rows, header, line)
                if known_headers(header, contract):
                    return found
                fallback = fallback or found
                break
    if fallback is None:
        raise FileRefused("empty")
    return fallback


def _some(rows: Iterator[Row], count: int) -> list[Row]:
    return list(islice(rows, count))


def _cells(rows: list[Row], width: int) -> pl.DataFrame:
    """Text columns by position, as many as header and EXTRA; a sheet's rows are all of one length."""
    names = column_names(width + EXTRA)
    columns = [texts(column) for column in islice(zip(*rows, strict=True), len(names))]
    series = [pl.Series(name, cells, dtype=pl.String) for name, cells in zip(names, columns, strict=False)]
    absent = [pl.lit(None, dtype=pl.String).alias(name) for name in names[len(columns) :]]
    return pl.DataFrame(series).with_columns(*absent)
