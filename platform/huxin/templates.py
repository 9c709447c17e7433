"""The templates that members fill in, CSV and XLSX, made from the contract by `python -m huxin.templates`."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from huxin.contract import Check, Contract, Field, load_contract
from huxin.contract_docs import (
    KIND_WORDS,
    PHASE_WORDS,
    SCALE,
    SEVERITY_WORDS,
    label_words,
    limit_words,
    need_words,
    write_contract_page,
)

DATA_SHEET = "贷款数据"
GUIDE_SHEET = "填报说明"
EXAMPLE_NOTE = "第 2 行是示例，报送前请删除。Row 2 is an example: delete it before you send the file."

_CREATED = datetime(2026, 1, 1)  # noqa: DTZ001 - a fixed stamp, so that the same contract gives the same bytes
_LAST_ROW = 1_048_575
_FIRST_DAY = date(1949, 10, 1)
_NUMBER_FORMATS = {"money": "#,##0.00", "integer": "0", "date": "yyyy-mm-dd"}
# The rate is text too: "12%" typed into a number cell would be stored as 0.12 and read as 0.12 percent.
_TEXT_FORMAT = 49  # the built-in "@"
# Both tables of the guide share the columns' widths: short, short, short, list, Chinese text, English text.
_SHARED_HEADS = ("说明与修改办法", "text and remedy")
_FIELD_HEADS = ("字段", "机器名", "类型 kind", "取值 labels", *_SHARED_HEADS, "填写 need", "范围 limits")
_CHECK_HEADS = ("代码 code", "后果 severity", "范围 phase", "字段 fields", *_SHARED_HEADS)


def write_csv_template(path: Path, contract: Contract | None = None) -> None:
    """Write header and example row to `path`: UTF-8 with BOM and CRLF, as spreadsheets like it."""
    columns = (contract or load_contract()).fields
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([field.zh for field in columns])
    writer.writerow([field.example for field in columns])
    _write(path, text.getvalue().encode("utf-8-sig"))


def write_xlsx_template(path: Path, contract: Contract | None = None) -> None:
    """Write a workbook to `path`: a sheet to fill in, and a guide to every field and check.

    Drop-downs for enums, text columns for whatever a spreadsheet would damage, hints as input messages;
    required columns are coloured and marked with *. Equal contracts give equal contents.
    """
    contract = contract or load_contract()
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        book.set_properties({"title": f"{contract.name} {contract.ruleset}", "created": _CREATED})
        _data_sheet(book, contract)
        _guide_sheet(book, contract)
    _write(path, buffer.getvalue())


def main(root: Path | None = None) -> list[Path]:
    """Regenerate templates and docs/contract.md below `root` (default: here); the paths written."""
    top = root or Path.cwd()
    folder = top / "schemas" / "loan" / "v1" / "templates"
    paths = [folder / "loan_v1.csv", folder / "loan_v1.xlsx", top / "docs" / "contract.md"]
    for path, write in zip(
        paths, (write_csv_template, write_xlsx_template, write_contract_page), strict=True
    ):
        write(path)
    return paths


def _data_sheet(book: Any, contract: Contract) -> None:
    sheet = book.add_worksheet(DATA_SHEET)
    must = book.add_format({"bold": True, "bg_color": "#FCE4D6", "border": 1})
    may = book.add_format({"bold": True, "bg_color": "#EDEDED", "border": 1})
    for column, field in enumerate(contract.fields):
        required = field.required or field.required_column
        form = book.add_format({"num_format": _NUMBER_FORMATS.get(field.kind, _TEXT_FORMAT)})
        sheet.set_column(column, column, max(12, 2 * len(field.zh) + 3, len(field.example) + 2), form)
        sheet.write_string(0, column, field.zh + ("*" if required else ""), must if required else may)
        _write_example(sheet, column, field, form)
        sheet.data_validation(1, column, _LAST_ROW, column, _validation(field))
    sheet.write_comment(1, 0, EXAMPLE_NOTE, {"visible": False})
    sheet.ignore_errors({"number_stored_as_text": f"A1:{_letters(len(contract.fields))}{_LAST_ROW + 1}"})
    sheet.freeze_panes(1, 1)


def _write_example(sheet: Any, column: int, field: Field, form: Any) -> None:
    if not field.example:
        sheet.write_blank(1, column, None, form)
    elif field.kind in ("money", "integer"):
        sheet.write_number(1, column, float(field.example), form)
    elif field.kind == "date":
        sheet.write_datetime(1, column, date.fromisoformat(field.example), form)
    else:
        sheet.write_string(1, column, field.example, form)


def _validation(field: Field) -> dict[str, Any]:
    """What the spreadsheet checks while typing, with the hint shown beside the cell."""
    shown = {"input_title": f"{field.zh}（{need_words(field)[0]}）", "input_message": field.hint_zh}
    if field.kind == "enum":
        choices = [label.zh for label in field.labels]
        return {**shown, "validate": "list", "source": choices, **_refusal("stop", "请从下拉列表中选择。")}
    if field.kind == "date":
        form = _refusal("warning", "请填日期，如 2026-05-31。")
        return {**shown, "validate": "date", "criteria": ">=", "value": _FIRST_DAY, **form}
    if field.kind in ("money", "integer") and field.minimum is not None:
        lowest = field.minimum / SCALE[field.kind]
        kind = "decimal" if field.kind == "money" else "integer"
        form = _refusal("warning", f"请填不小于 {lowest:g} 的数字。")
        return {**shown, "validate": kind, "criteria": ">=", "value": lowest, **form}
    return {**shown, "validate": "any"}


def _refusal(kind: str, message: str) -> dict[str, str]:
    return {"error_type": kind, "error_title": "请核对", "error_message": message}


def _guide_sheet(book: Any, contract: Contract) -> None:
    sheet = book.add_worksheet(GUIDE_SHEET)
    title = book.add_format({"bold": True, "font_size": 13})
    head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})
    cell = book.add_format({"text_wrap": True, "valign": "top", "border": 1})
    for column, width in enumerate((20, 20, 24, 40, 60, 60, 20, 30)):
        sheet.set_column(column, column, width)
    sheet.write_string(0, 0, f"{contract.name} {contract.ruleset}。{EXAMPLE_NOTE}", title)
    row = _guide_table(sheet, 2, _FIELD_HEADS, [_field_row(field) for field in contract.fields], head, cell)
    _guide_table(
        sheet, row + 1, _CHECK_HEADS, [_check_row(check, contract) for check in contract.checks], head, cell
    )


def _guide_table(
    sheet: Any, row: int, heads: Sequence[str], lines: list[tuple[str, ...]], head: Any, cell: Any
) -> int:
    """Write one table from `row` on; the first row after it."""
    for column, text in enumerate(heads):
        sheet.write_string(row, column, text, head)
    for number, line in enumerate(lines, start=row + 1):
        for column, text in enumerate(line):
            sheet.write_string(number, column, text, cell)
    return row + 1 + len(lines)


def _field_row(field: Field) -> tuple[str, ...]:
    kind = " ".join(KIND_WORDS[field.kind])
    need = " ".join(need_words(field))
    limits = " ".join(limit_words(field)).strip()
    return field.zh, field.name, kind, label_words(field), field.hint_zh, field.hint_en, need, limits


def _check_row(check: Check, contract: Contract) -> tuple[str, ...]:
    severity = " ".join(SEVERITY_WORDS[check.severity])
    phase = " ".join(PHASE_WORDS[check.phase])
    named = "、".join(contract.field(name).zh for name in check.fields)
    zh, en = f"{check.zh}{check.hint_zh}", f"{check.en} {check.hint_en}"
    return check.code, severity, phase, named, zh, en


def _letters(count: int) -> str:
    """The spreadsheet's name of the column number `count`, 1 = A."""
    high, low = divmod(count - 1, 26)
    return (chr(64 + high) if high else "") + chr(65 + low)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


if __name__ == "__main__":
    sys.stdout.writelines(f"{path}\n" for path in main())
