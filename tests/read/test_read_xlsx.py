"""XLSX: values of cells as a member would have typed them, the right sheet, and workbooks that mean harm."""

from __future__ import annotations

import datetime as dt
import io
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import openpyxl
import pytest
import xlsxwriter
from read_tools import CONTRACT, NAMES, NAMES_ZH, cells, layout, loans, read, refusal

from huxin_checks.read import open_rows, rows_at
from huxin_checks.read.text_of import moment, number

ROWS = loans(6)


def workbook(fill: Callable[[Any], None]) -> bytes:
    """A workbook that `fill` has filled."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        fill(book)
    return out.getvalue()


def sheet_of(rows: list[list[Any]], headers: list[str] = NAMES, top: int = 0, left: int = 0) -> bytes:
    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        for at, row in enumerate([headers, *rows]):
            for column, cell in enumerate(row):
                sheet.write(top + at, left + column, cell, None)

    return workbook(fill)


def with_value(field: str, write: Callable[[Any, Any, int, int], None]) -> str | None:
    """What reading gives for one cell that `write(book, sheet, row, column)` has written."""

    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, NAMES)
        sheet.write_row(1, 0, ROWS[0])
        write(book, sheet, 1, NAMES.index(field))

    value = read(workbook(fill), "a.xlsx")[field][0]
    return None if value is None else str(value)


@pytest.mark.parametrize("headers", [NAMES, NAMES_ZH])
@pytest.mark.parametrize(("top", "left"), [(0, 0), (3, 2)])
def test_a_sheet_is_read_wherever_its_table_stands(headers: list[str], top: int, left: int) -> None:
    data = sheet_of([list(row) for row in ROWS], headers, top, left)
    frame = read(data, "loans.csv")
    assert cells(frame) == ROWS
    assert frame["_line"].to_list() == [top + 2 + n for n in range(6)]
    assert layout(data).kind == "xlsx"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (25000, "25000"),
        (4637.57, "4637.57"),
        (0, "0"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.3"),
        (1120.8799999999999, "1120.88"),
        (99999999.99, "99999999.99"),
        (0.00001, "0.00001"),
        (1.2345e-7, "0.00000012345"),
        (123456789012345, "123456789012345"),
        (120113196301133520, "1.20113196301134E+17"),
        (1e15, "1E+15"),
        (-5.5, "-5.5"),
        (16.02, "16.02"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(float(value)) == text
    assert (
        with_value("principal", lambda _, sheet, row, column: sheet.write_number(row, column, value)) == text
    )


def test_dates_and_times() -> None:
    def write(value: Any, style: str) -> str | None:
        return with_value(
            "due_on",
            lambda book, sheet, row, column: sheet.write_datetime(
                row, column, value, book.add_format({"num_format": style})
            ),
        )

    assert write(dt.date(2026, 5, 31), "yyyy-mm-dd") == "2026-05-31"
    assert write(dt.date(2026, 5, 31), 'yyyy"年"m"月"d"日"') == "2026-05-31"
    assert write(dt.datetime(2026, 5, 31), "yyyy-mm-dd hh:mm") == "2026-05-31"  # noqa: DTZ001
    assert write(dt.datetime(2026, 5, 31, 12, 30), "yyyy-mm-dd hh:mm") == "2026-05-31 12:30:00"  # noqa: DTZ001
    assert write(dt.time(12, 0), "hh:mm") == "12:00:00"
    assert moment(dt.datetime(2026, 1, 2)) == "2026-01-02"  # noqa: DTZ001


def test_formula_cells_give_their_value_and_are_never_run() -> None:
    def formula(value: Any) -> str | None:
        return with_value(
            "balance", lambda _, sheet, row, column: sheet.write_formula(row, column, "=1+1", None, value)
        )

    assert formula(1234.5) == "1234.5"
    assert formula("文本") == "文本"
    assert not formula("")
    assert not formula("#DIV/0!")


def test_a_formula_without_a_stored_value_is_empty() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(NAMES)
    sheet.append([*ROWS[0][:-1], '=HYPERLINK("http://example.com")'])
    out = io.BytesIO()
    book.save(out)
    assert not read(out.getvalue())["action"][0]


def test_booleans_and_text_that_looks_like_numbers() -> None:
    assert (
        with_value("purpose", lambda _, sheet, row, column: sheet.write_boolean(row, column, True)) == "true"
    )
    text = "00120113196301133520"
    assert with_value("id_no", lambda _, sheet, row, column: sheet.write_string(row, column, text)) == text


def test_blank_rows_between_are_skipped() -> None:
    rows = [ROWS[0], [], ROWS[1], [" "], [], *ROWS[2:], [], []]
    frame = read(sheet_of([list(row) for row in rows]))
    assert cells(frame) == ROWS
    assert frame["_line"].to_list() == [2, 4, 7, 8, 9, 10]
    assert frame["_record"].to_list() == [1, 2, 3, 4, 5, 6]


def test_cells_beyond_the_header_are_surplus() -> None:
    rows: list[list[Any]] = [list(row) for row in ROWS]
    rows[2] = [*rows[2], "x"]
    rows[4] = [*rows[4], "", "", 5]
    assert read(sheet_of(rows))["_surplus"].to_list() == [False, False, True, False, True, False]


def test_the_first_visible_sheet_with_a_header_counts() -> None:
    def fill(book: Any) -> None:
        book.add_worksheet("empty")
        book.add_worksheet("说明").write(0, 0, "填表说明")
        hidden = book.add_worksheet("old")
        hidden.write_row(0, 0, NAMES)
        hidden.write_row(1, 0, ["hidden", *ROWS[0][1:]])
        hidden.hide()
        book.add_chartsheet("chart").add_series if False else None
        sheet = book.add_worksheet("data")
        for at, row in enumerate([NAMES, *ROWS]):
            sheet.write_row(at, 0, row)
        book.add_worksheet("copy").write_row(0, 0, NAMES)

    assert cells(read(workbook(fill))) == ROWS


def test_batches_and_chosen_rows() -> None:
    many = loans(250)
    data = sheet_of([list(row) for row in many])
    frame = read(data, batch_rows=40)
    assert cells(frame) == many
    again = rows_at(io.BytesIO(data), "a.xlsx", CONTRACT, np.array([1, 41, 250], dtype=np.uint32))
    assert again.equals(frame[[0, 40, 249]])


def test_a_workbook_without_data_or_header() -> None:
    assert refusal(workbook(lambda book: book.add_worksheet())).reason == "empty"
    assert refusal(sheet_of([], ["a", "b"])).reason == "no_header"
    assert read(sheet_of([])).height == 0


def test_wide_headers_are_refused_as_columns() -> None:
    refused = refusal(sheet_of([], [*NAMES, *(f"c{n}" for n in range(10_000))]))
    assert (refused.code, refused.reason) == ("F0003", "too_many_columns")


def repacked(data: bytes, changed: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The workbook with some of its parts replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", compression) as new:
        for part in old.infolist():
            new.writestr(part.filename, changed.pop(part.filename, None) or old.read(part))
        for name, content in changed.items():
            new.writestr(name, content)
    return out.getvalue()


GOOD = sheet_of([list(row) for row in ROWS])
SHEET = "xl/worksheets/sheet1.xml"


def test_stored_parts_and_parts_nobody_knows_are_fine() -> None:
    assert cells(read(repacked(GOOD, {}, zipfile.ZIP_STORED))) == ROWS
    assert cells(read(repacked(GOOD, {"docProps/more.xml": b"<x/>"}))) == ROWS


def test_a_zip_bomb() -> None:
    bomb = repacked(GOOD, {"xl/media/a.bin": b"\0" * (80 << 20)})
    assert len(bomb) < 1 << 20
    assert refusal(bomb).reason == "bomb"


def test_a_bomb_whose_directory_lies_about_its_size() -> None:
    bomb = bytearray(repacked(GOOD, {"xl/media/a.bin": b"\0" * (80 << 20)}))
    size = struct.pack("<I", 80 << 20)
    assert bomb.count(size) == 2
    assert refusal(bytes(bomb.replace(size, struct.pack("<I", 100)))).reason == "bomb"


def test_a_sheet_whose_outline_would_fill_the_memory() -> None:
    """One cell in the last corner: the parser would ask for half a terabyte and end the process."""

    def fill(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, NAMES)
        sheet.write(1_048_575, 16_383, "x")

    refused = refusal(workbook(fill))
    assert (refused.code, refused.reason) == ("F0004", "sparse_sheet")


@pytest.mark.parametrize("reference", [b"ZZ1048576", b"zz900000", b"AK99999999"])
def test_a_far_reference_in_any_spelling(reference: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(GOOD)) as book:
        sheet = book.read(SHEET)
    far = sheet.replace(b'<c r="B3"', b"<c  r = '" + reference + b"'")
    assert far != sheet
    assert refusal(repacked(GOOD, {SHEET: far})).reason == "sparse_sheet"


def test_no_workbook_and_no_encrypted_part() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("loans.csv", "a,b")
    assert refusal(out.getvalue()).reason == "zip"
    locked = bytearray(GOOD)
    at = locked.rfind(b"PK\x01\x02")
    locked[at + 8] |= 1
    assert refusal(bytes(locked)).reason in ("encrypted", "corrupt")


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/sharedStrings.xml", "xl/styles.xml"])
@pytest.mark.parametrize("content", [b"<", b"junk", b"<a></b>"])
def test_broken_xml_is_refused_or_read(part: str, content: bytes) -> None:
    data = repacked(GOOD, {part: content})
    try:
        read(data)
    except Exception:
        assert refusal(data).code == "F0004"


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_workbook(share: float) -> None:
    assert refusal(GOOD[: int(len(GOOD) * share)]).code == "F0004"


def test_the_layout_of_a_workbook() -> None:
    with open_rows(io.BytesIO(GOOD), "../../etc/passwd", CONTRACT) as rows:
        assert (rows.layout.kind, rows.layout.headers) == ("xlsx", tuple(NAMES))
        assert rows.layout.fields == tuple(NAMES)
