"""Tables as XLSX: text stays text, whatever it begins with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import xlsxwriter
from flask import Response
from flask_babel import gettext

MEDIA = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST = 100_000
_SHANGHAI = ZoneInfo("Asia/Shanghai")
# Excel and its kin take these for the beginning of a formula, at the latest when the sheet is saved as CSV.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def workbook(head: Sequence[Any], rows: Iterable[Sequence[Any]], sheet: str = "huxin") -> bytes:
    """A workbook of one sheet: str, int, float, bool, date, datetime (shown in Shanghai) and None; MOST rows at most.

    A text that looks like a formula is written with the mark that keeps it one (Excel's quote prefix).
    """
    target = BytesIO()
    with xlsxwriter.Workbook(target, _OPTIONS) as book:
        page = book.add_worksheet(sheet[:31])
        bold, plain = book.add_format({"bold": True}), book.add_format({"quote_prefix": True})
        days = book.add_format({"num_format": "yyyy-mm-dd"})
        moments = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for column, name in enumerate(head):
            page.write_string(0, column, str(name), bold)
        for line, row in zip(range(1, MOST + 1), rows, strict=False):
            for column, value in enumerate(row):
                _write(page, line, column, value, plain, days, moments)
        page.freeze_panes(1, 0)
        page.autofit(300)
    return target.getvalue()


def _write(page: Any, line: int, column: int, value: Any, plain: Any, days: Any, moments: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        page.write_boolean(line, column, value)
    elif isinstance(value, int | float) and abs(value) < 1e15:
        page.write_number(line, column, value)
    elif isinstance(value, datetime):
        page.write_datetime(line, column, value.astimezone(_SHANGHAI).replace(tzinfo=None), moments)
    elif isinstance(value, date):
        page.write_datetime(line, column, datetime(value.year, value.month, value.day), days)  # noqa: DTZ001 - a day
    else:
        text = str(value)[:32_767]
        page.write_string(line, column, text, plain if text.startswith(_FORMULA) else None)


def download(
    name: str, head: Sequence[Any], rows: Iterable[Sequence[Any]], most: int | None = None
) -> Response:
    """The workbook as a file to keep, never to be opened in the page; one of `most` rows says that it ends there."""
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}.xlsx"}
    return Response(workbook(head, _ended(rows, most)), mimetype=MEDIA, headers=headers)


def _ended(rows: Iterable[Sequence[Any]], most: int | None) -> Iterator[Sequence[Any]]:
    count = 0
    for row in rows:
        count += 1
        yield row
    if most is not None and count >= most:
        yield [gettext("最多导出 %(most)s 行，其余（如有）未列；请缩小范围后再导出。", most=f"{count:,}")]
