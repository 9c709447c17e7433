"""Templates and the contract's page come from the tables, parse back, and are committed as generated."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import date, datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from python_calamine import CalamineWorkbook

from huxin.contract import Field, label_code, load_contract, load_states
from huxin.contract_docs import contract_markdown, limit_words
from huxin.paths import schema_root
from huxin.templates import DATA_SHEET, GUIDE_SHEET, _letters, main, write_csv_template, write_xlsx_template
from huxin_privacy.identifiers import canonical_id

AS_OF = date(2026, 5, 31)
SHEET = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
Row = dict[str, object]


@pytest.fixture(scope="module")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "模板 loan.xlsx"
    write_xlsx_template(path)
    return path


def _members(path: Path) -> dict[str, bytes]:
    """A workbook's parts unpacked: compressed bytes may differ between zlib builds."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _csv_row(path: Path) -> dict[str, str]:
    header, row = csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))
    names = [load_contract().header(text) for text in header]
    assert None not in names
    return dict(zip([str(name) for name in names], row, strict=True))


def _xlsx_row(path: Path) -> Row:
    header, row = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    return dict(zip([str(load_contract().header(str(text))) for text in header], row, strict=True))


def _sheet_xml(path: Path) -> ElementTree.Element:
    return ElementTree.fromstring(_members(path)["xl/worksheets/sheet1.xml"])  # noqa: S314 - our own file


def _validations(path: Path) -> dict[str, ElementTree.Element]:
    """The data validation of each field's column."""
    letters = {_letters(number): field.name for number, field in enumerate(load_contract().fields, start=1)}
    found = _sheet_xml(path).findall(".//m:dataValidation", SHEET)
    return {letters[re.match("[A-Z]+", item.attrib["sqref"])[0]]: item for item in found}  # type: ignore[index]


def test_csv_template_parses_back_in_contract_order(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "template.csv"
    write_csv_template(path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert path.read_bytes().count(b"\r\n") == 2
    row = _csv_row(path)
    assert list(row) == [field.name for field in load_contract().fields]
    assert row["id_no"] == "11010519491231002X"


def test_xlsx_template_says_what_the_csv_says(workbook: Path, tmp_path: Path) -> None:
    write_csv_template(tmp_path / "template.csv")
    plain, typed = _csv_row(tmp_path / "template.csv"), _xlsx_row(workbook)
    assert list(plain) == list(typed)
    for field in load_contract().fields:
        if field.kind in {"money", "integer"} and plain[field.name]:
            assert float(plain[field.name]) == typed[field.name]
        else:
            assert plain[field.name] == str(typed[field.name]), field.name


def test_xlsx_cells_that_a_spreadsheet_would_damage_are_text(workbook: Path) -> None:
    row = _xlsx_row(workbook)
    for name in ("loan_no", "id_no", "mobile", "region", "annual_rate"):
        assert isinstance(row[name], str), name
    assert isinstance(row["principal"], float)
    assert isinstance(row["disbursed_on"], date)


def test_whole_columns_carry_the_format_not_just_the_example(workbook: Path) -> None:
    styles = ElementTree.fromstring(_members(workbook)["xl/styles.xml"])  # noqa: S314 - our own file
    formats = [int(xf.attrib["numFmtId"]) for xf in styles.findall("m:cellXfs/m:xf", SHEET)]
    codes = {int(f.attrib["numFmtId"]): f.attrib["formatCode"] for f in styles.findall(".//m:numFmt", SHEET)}
    spans = _sheet_xml(workbook).findall("m:cols/m:col", SHEET)
    by_column: dict[int, int] = {}
    for span in spans:
        for column in range(int(span.attrib["min"]), int(span.attrib["max"]) + 1):
            by_column[column] = formats[int(span.attrib["style"])]
    text, dated = 49, "yyyy-mm-dd"
    for number, field in enumerate(load_contract().fields, start=1):
        if field.kind in {"text", "identifier", "pattern", "enum", "rate"}:
            assert by_column[number] == text, field.name
        if field.kind == "date":
            assert codes[by_column[number]] == dated, field.name


def test_required_columns_are_marked_and_coloured(workbook: Path) -> None:
    header = CalamineWorkbook.from_path(workbook).get_sheet_by_index(0).to_python()[0]
    cells = _sheet_xml(workbook).findall("m:sheetData/m:row[@r='1']/m:c", SHEET)
    styles = {True: set[str](), False: set[str]()}
    for field, text, cell in zip(load_contract().fields, header, cells, strict=True):
        required = field.required or field.required_column
        assert text == field.zh + ("*" if required else "")
        styles[required].add(cell.attrib["s"])
    assert len(styles[True]) == len(styles[False]) == 1
    assert styles[True] != styles[False]


def test_enums_have_drop_downs_of_their_chinese_labels(workbook: Path) -> None:
    lists = {name: item for name, item in _validations(workbook).items() if item.attrib.get("type") == "list"}
    assert set(lists) == {field.name for field in load_contract().fields if field.kind == "enum"}
    for name, item in lists.items():
        choices = str(item.findtext("m:formula1", namespaces=SHEET)).strip('"').split(",")
        assert choices == [label.zh for label in load_contract().field(name).labels]
        assert item.attrib["sqref"].endswith("1048576"), "the drop-down reaches the sheet's end"


def test_every_column_shows_its_hint_while_typing(workbook: Path) -> None:
    shown = {name: item.attrib["prompt"] for name, item in _validations(workbook).items()}
    assert shown == {field.name: field.hint_zh for field in load_contract().fields}


def test_hints_and_lists_fit_a_spreadsheets_limits() -> None:
    for field in load_contract().fields:
        assert len(field.hint_zh) <= 255, "an input message ends there"
        assert len(",".join(label.zh for label in field.labels)) <= 255, "so does a list of choices"
        assert not any("," in label.zh for label in field.labels)


def test_the_guide_explains_every_field_and_check_in_both_languages(workbook: Path) -> None:
    book = CalamineWorkbook.from_path(workbook)
    assert book.sheet_names == [DATA_SHEET, GUIDE_SHEET]
    cells = [str(cell) for row in book.get_sheet_by_name(GUIDE_SHEET).to_python() for cell in row]
    text = "\n".join(cells)
    for field in load_contract().fields:
        assert {field.zh, field.name, field.hint_zh, field.hint_en} <= set(cells)
        assert all(f"{label.zh} {label.name}" in text for label in field.labels)
    for check in load_contract().checks:
        assert {check.code, f"{check.zh}{check.hint_zh}", f"{check.en} {check.hint_en}"} <= set(cells)


def test_workbooks_of_one_contract_are_equal_byte_for_byte(workbook: Path, tmp_path: Path) -> None:
    write_xlsx_template(tmp_path / "again.xlsx")
    assert (tmp_path / "again.xlsx").read_bytes() == workbook.read_bytes()


def test_the_workbook_holds_no_formula_link_or_macro(workbook: Path) -> None:
    parts = _members(workbook)
    assert not [name for name in parts if "vbaProject" in name or "externalLink" in name]
    assert b"<f>" not in parts["xl/worksheets/sheet1.xml"]
    assert b"hyperlink" not in parts["xl/worksheets/sheet1.xml"]


def test_example_row_is_good_on_the_samples_evening() -> None:
    row = {field.name: field.example for field in load_contract().fields}
    for field in load_contract().fields:
        _holds(field, row[field.name])
    days = {
        f.name: date.fromisoformat(f.example)
        for f in load_contract().fields
        if f.kind == "date" and f.example
    }
    assert days["disbursed_on"] <= AS_OF <= days["consent_until"]
    assert days["disbursed_on"] <= days["due_on"]
    assert days["next_due_on"] > AS_OF
    assert 0 <= float(row["balance"]) <= float(row["principal"])
    assert 0 <= int(row["terms_left"]) <= int(row["terms"])
    assert (row["dpd"], row["overdue_amount"], row["overdue_since"], row["status"]) == (
        "0",
        "0.00",
        "",
        "正常",
    )
    assert row["closed_on"] == row["adverse_notice_on"] == ""
    assert canonical_id("resident_id", row["id_no"]).faults == ()


def _holds(field: Field, example: str) -> None:
    """Presence, length, form, label and range of one example."""
    if not example:
        assert not field.required and not field.required_column, field.name
        return
    assert field.max_length is None or len(example) <= field.max_length
    assert field.pattern is None or re.fullmatch(field.pattern, example)
    assert field.kind != "enum" or label_code(field, example)
    if field.minimum is not None and field.maximum is not None:
        scale = {"money": 100, "rate": 10_000, "integer": 1}[field.kind]
        assert field.minimum <= round(float(example) * scale) <= field.maximum


@pytest.mark.parametrize(
    ("name", "zh", "en"),
    [
        ("principal", "0.01 至 9999999999999999.99", "0.01 to 9999999999999999.99"),
        ("annual_rate", "0 至 36", "0 to 36"),
        ("loan_no", "最多 64 个字符", "at most 64 characters"),
        ("status", "", ""),
    ],
)
def test_limits_are_told_in_the_units_people_write(name: str, zh: str, en: str) -> None:
    assert limit_words(load_contract().field(name)) == (zh, en)


@pytest.mark.parametrize(
    ("count", "letters"), [(1, "A"), (26, "Z"), (27, "AA"), (37, "AK"), (52, "AZ"), (53, "BA")]
)
def test_column_letters(count: int, letters: str) -> None:
    assert _letters(count) == letters


def test_the_page_lists_every_field_check_and_state_with_whole_tables() -> None:
    page = contract_markdown(load_contract(), load_states())
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    firsts = [re.split(r"(?<!\\)\|", line)[1].strip() for line in rows]
    wanted = [f"`{field.name}`" for field in load_contract().fields]
    assert [first for first in firsts if first.startswith("`")] == wanted
    codes = [first[:5] for first in firsts if re.match(r"[FEW]\d{4}", first)]
    assert codes == [check.code for check in load_contract().checks]
    assert all(f"{state.zh} | {state.en}" in page for state in load_states())


def test_committed_templates_and_page_are_as_generated(tmp_path: Path) -> None:
    source = schema_root().parent
    for made in main(tmp_path):
        kept = source / made.relative_to(tmp_path)
        if made.suffix == ".xlsx":
            assert _members(kept) == _members(made), "run python -m huxin.templates"
        else:
            assert kept.read_bytes() == made.read_bytes(), "run python -m huxin.templates"


def test_the_workbooks_date_is_fixed(workbook: Path) -> None:
    core = _members(workbook)["docProps/core.xml"].decode()
    stamps = re.findall(r"W3CDTF\">([^<]+)<", core)
    assert {datetime.fromisoformat(stamp.replace("Z", "+00:00")).year for stamp in stamps} == {2026}
