"""Cells that are too big, too odd or would act: rejected row by row, exported inert, and never run."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from bad_world import (
    GOOD,
    ROWS,
    all_submissions,
    assert_refused,
    cli,
    known,
    night,
    of,
    ready,
    rows,
    write_good,
)
from python_calamine import CalamineWorkbook
from sqlalchemy import text

from huxin.contract import State, load_contract
from huxin.nightly.report import told_findings
from huxin.registry.session import connection
from huxin.registry.submissions import Submission
from huxin.settings import Settings
from support.rows import write_manifest, write_submission

NAMES = [field.name for field in load_contract().fields]
# One cell of one row changed: the field, what stands there, the code that must be found (None: the row is good).
ODD: list[tuple[str, str, str | None]] = [
    ("principal", "9" * 400, "E1201"),
    ("balance", "-" + "9" * 60, "E1201"),
    ("principal", "1e400", "E1202"),
    ("principal", "NaN", "E1202"),
    ("balance", "Infinity", "E1202"),
    ("balance", "0x1F", "E1202"),
    ("balance", "0." + "0" * 5_000, None),
    ("terms", "99999999999999999999", "E1201"),
    ("dpd", "²", "E1202"),
    ("dpd", "٣", "E1202"),
    ("annual_rate", "9" * 30 + "%", "E1201"),
    ("disbursed_on", "0000-01-01", "E1203"),
    ("due_on", "9999-12-31", None),
    ("due_on", "99999-12-31", "E1203"),
    ("disbursed_on", "2026-02-30", "E1203"),
    ("disbursed_on", "0001-01-01", "E1203"),
    ("name", "😀👩‍👩‍👧‍👦", "E1401"),  # joined by characters that are not seen
    ("name", "\u0301\u0302\u0303", None),
    ("name", "a" + "\u0301" * 20, None),
    ("name", "\u202e三张", "E1401"),
    ("loan_no", "\u0301", None),
    ("loan_no", "x" * 65, "E1401"),
    ("loan_no", "a\x1b[31m", "E1401"),
    ("loan_no", "'; DROP TABLE loan; --", None),
    ("loan_no", "{item}%s%n", None),
    ("contract_no", "\ufffe\uffff\U0010ffff", None),
    ("purpose", "[red]\\N\\.", None),
    ("purpose", "長" * 33, "E1401"),
    ("id_no", "9" * 10_000, "E1104"),
    ("id_no", "1.1E+17", "E1102"),
    ("class5", "正常😀", "E1301"),
    ("class5", "x" * 100_000, "E1301"),
    ("currency", "¥", "E1302"),
    ("region", "１１０１０５", None),
]


def fit(path: Path) -> Path:
    """The same file with a manifest whose digest fits its bytes."""
    import hashlib

    manifest = json.loads(path.with_name(path.name + ".manifest.json").read_bytes())
    write_manifest(path, {**manifest, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    return path


def line(row: dict[str, str]) -> list[str]:
    return [row[name] for name in NAMES]


def only(report: object, member: str) -> Submission:
    (item,) = of(report, member)  # type: ignore[arg-type]
    return item


def test_odd_cells_reject_their_row_alone(settings: Settings, inbox: Path) -> None:
    ready(settings, ["B0001"])
    book = rows("B0001", 1, 15 * len(ODD))
    for place, (field, cell, _) in enumerate(ODD):
        book[15 * place] = {**book[15 * place], field: cell}
    path = write_submission(inbox, "B0001", book)
    told = cli(settings, "submit", str(path), "--member", "B0001", "--computed-totals", "--json")
    assert told.exit_code == 0, told.output
    (item,) = all_submissions(settings).values()
    found: dict[tuple[int, str], set[str]] = {}
    for each in told_findings(settings, item):
        found.setdefault((each.record, each.field), set()).add(each.code)
    wrong = [
        (field, cell[:40], code, found.get((1 + 15 * place, field)))
        for place, (field, cell, code) in enumerate(ODD)
        if (code or "") not in found.get((1 + 15 * place, field), {""})
    ]
    assert wrong == []
    rejected = {record for (record, _), codes in found.items() if any(code[0] == "E" for code in codes)}
    assert rejected == {1 + 15 * place for place, (_, _, code) in enumerate(ODD) if code}
    assert (item.rows, item.rejected, item.accepted) == (
        len(book),
        len(rejected),
        len(book) - len(rejected),
    )


def test_a_cell_of_a_megabyte_and_a_row_of_a_thousand_cells(settings: Settings, inbox: Path) -> None:
    ready(settings, ["B0001", GOOD])
    book = [line(row) for row in rows("B0001", 1, 40)]
    book[3][NAMES.index("loan_no")] = "x" * 900_000
    book[5] += ["y"] * 1_000
    book[7] = book[7][:3]
    path = inbox.parent / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([NAMES, *book])
    write_good_far(inbox)
    told = cli(settings, "submit", str(path), "--member", "B0001", "--computed-totals", "--json")
    assert told.exit_code == 0, told.output
    item = next(iter(all_submissions(settings).values()))
    assert (item.state, item.rows, item.rejected) == (State.PUBLISHED, 40, 3)
    codes = {each.record: each.code for each in told_findings(settings, item) if each.record in (4, 6, 8)}
    assert codes[4] == "E1401"
    assert set(codes) == {4, 6, 8}
    assert all(len(each.masked or "") < 40 for each in told_findings(settings, item))
    for format_ in ("csv", "xlsx"):
        out = inbox.parent / f"back.{format_}"
        assert cli(settings, "findings", str(item.id), "--format", format_, "--out", str(out)).exit_code == 0
        assert out.stat().st_size > 1_000
    sheet = CalamineWorkbook.from_path(str(inbox.parent / "back.xlsx")).get_sheet_by_index(0).to_python()
    assert len(sheet) == 4
    assert any(str(cell).startswith("xxx") for cell in sheet[1]), "a long cell is cut, not dropped"


def write_good_far(inbox: Path) -> None:
    write_submission(inbox, GOOD, rows(GOOD, 5000))


def test_quotes_galore(settings: Settings, inbox: Path) -> None:
    ready(settings, ["B0001", GOOD])
    book = rows("B0001", 1, 40)
    for place in range(20):
        book[place] = {**book[place], "purpose": '"' * (place + 1), "contract_no": 'a"b""c'}
    write_submission(inbox, "B0001", book)
    write_good_far(inbox)
    report = night(settings, inbox)
    assert only(report, "B0001").accepted == 40
    with connection(settings) as database:
        stored = database.execute(text("SELECT purpose FROM loan WHERE purpose LIKE '\"%'")).scalars()
        assert sorted(map(len, stored)) == list(range(1, 21))


def test_odd_unicode_in_parquet_reaches_the_registry_or_its_row_is_rejected(
    settings: Settings, inbox: Path
) -> None:
    """NUL, which PostgreSQL cannot hold, and whatever else a Parquet file may carry in its text."""
    ready(settings, ["B0001", GOOD])
    book = rows("B0001", 1, 60)
    cells = ["a\0b", "\0", "\x7f", "\ud7ff", "\ufffd", "\U0010ffff"]
    for place, cell in enumerate(cells):
        book[place] = {**book[place], "loan_no": cell + str(place)}
    path = write_submission(inbox, "B0001", book, file_name="a.parquet")
    write_good_far(inbox)
    report = night(settings, inbox)
    item = only(report, "B0001")
    assert (item.state, item.rows, item.rejected) == (State.PUBLISHED, 60, 3)
    assert only(report, GOOD).state == State.PUBLISHED
    assert path.exists()


def test_broken_text_in_parquet(settings: Settings, inbox: Path) -> None:
    """Bytes that are no UTF-8 in a column that says it is text, and a header with NUL."""
    ready(settings, ["B0001", "B0002", GOOD])
    for member, broken in (("B0001", "cell"), ("B0002", "header")):
        book = rows(member, 1 if member == "B0001" else 500)
        path = write_submission(inbox, member, book, file_name="a.parquet")
        table = pq.read_table(path)
        column = pa.array([b"\xff\xfe\0"] * len(book), pa.binary()).view(pa.string())
        if broken == "cell":
            table = table.set_column(table.schema.names.index("purpose"), "purpose", column)
        else:
            table = table.append_column("a\0b", pa.array(["x"] * len(book)))
        pq.write_table(table, path)
        fit(path)
    write_good_far(inbox)
    report = night(settings, inbox)
    assert_refused(settings, only(report, "B0001"), "F0004", "encoding")
    assert_refused(settings, only(report, "B0002"), "F0003", "unknown_column")
    assert only(report, GOOD).state == State.PUBLISHED


def test_a_formula_gives_its_value_and_is_not_run(settings: Settings, inbox: Path) -> None:
    ready(settings, ["B0001"])
    book = rows("B0001", 1)
    path = write_submission(inbox, "B0001", book, file_name="a.xlsx")
    with xlsxwriter.Workbook(str(path)) as sheets:
        sheet = sheets.add_worksheet()
        for number, cells in enumerate([NAMES, *map(line, book)]):
            for place, cell in enumerate(cells):
                sheet.write_string(number, place, cell)
        at = NAMES.index("balance")
        sheet.write_formula(
            1, at, "=1+1", None, 15000
        )  # the value that the member saw, whatever it would be now
        sheet.write_formula(2, at, '=WEBSERVICE("http://127.0.0.1/"&D3)', None, "15000.00")
        sheet.write_formula(3, NAMES.index("purpose"), "=cmd|'/C calc'!A0", None, "home")
    fit(path)
    item = only(night(settings, inbox), "B0001")
    assert (item.state, item.accepted) == (State.PUBLISHED, ROWS)
    with connection(settings) as database:
        query = text("SELECT loan_no, balance, purpose FROM loan ORDER BY loan_no LIMIT 3")
        stored = [tuple(row) for row in database.execute(query)]
    assert [row[1] for row in stored] == [1_500_000] * 3
    assert stored[2][2] == "home"


FORMULAS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    "=cmd|'/C calc'!A0",
    '=HYPERLINK("http://127.0.0.1/?"&A1,"x")',
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    "\n=1+1",
    "'=1+1",
    '"=1+1',
    "=1+1,=2",
    "-100.00",
)


def test_a_cell_that_a_spreadsheet_would_run_comes_back_inert_and_round_trips(
    settings: Settings, inbox: Path, tmp_path: Path
) -> None:
    ready(settings, ["B0001"])
    book = rows("B0001", 1, 12 * len(FORMULAS))
    for place, cell in enumerate(FORMULAS):
        book[place] = {
            **book[place],
            "contract_no": cell,
            "consent_no": "",
        }  # the row is rejected for its consent
    write_submission(inbox, "B0001", book)
    item = only(night(settings, inbox), "B0001")
    assert (item.state, item.rejected) == (State.PUBLISHED, len(FORMULAS))
    back = {kind: tmp_path / f"back.{kind}" for kind in ("csv", "xlsx")}
    for kind, path in back.items():
        assert cli(settings, "findings", str(item.id), "--format", kind, "--out", str(path)).exit_code == 0
    with back["csv"].open(encoding="utf-8-sig", newline="") as source:
        table = list(csv.DictReader(source))
    for row, cell in zip(table, FORMULAS, strict=True):
        assert not row["合同号"].startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
        assert row["合同号"] in (cell, f"'{cell}")
    import zipfile

    with zipfile.ZipFile(back["xlsx"]) as archive:
        sheets = [archive.read(name) for name in archive.namelist() if "worksheets/sheet" in name]
    assert sheets
    assert not [sheet for sheet in sheets if b"<f" in sheet or b"hyperlink" in sheet]
    # Both files, mended, go back in; the cell is what it was (less its blanks and a leading apostrophe).
    for kind, path in back.items():
        mended = tmp_path / f"mended.{kind}"
        mend(path, mended)
        told = cli(settings, "submit", str(mended), "--member", "B0001", "--computed-totals", "--json")
        assert told.exit_code == 0, (kind, told.output)
        with connection(settings) as database:
            query = text("SELECT loan_no, contract_no FROM loan")
            stored = {row[0]: row[1] for row in database.execute(query)}
        for place, cell in enumerate(FORMULAS):
            kept = stored.get(book[place]["loan_no"])
            if any(letter in cell.strip() for letter in "\t\r\n"):
                continue
            assert kept == plain(cell), (kind, cell, kept)


def plain(cell: str) -> str:
    folded = "".join(chr(ord(c) - 0xFEE0) if 0xFF01 <= ord(c) <= 0xFF5E else c for c in cell)
    return folded.strip().removeprefix("'").strip()


def mend(path: Path, target: Path) -> None:
    """The consent filled in, as a person would in a spreadsheet."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as source:
            table = list(csv.reader(source))
    else:
        table = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    heads = [str(cell) for cell in table[0]]
    if "授权编号" not in heads:
        heads.append("授权编号")
        table = [heads, *([*row, ""] for row in table[1:])]
    for number, row in enumerate(table[1:]):
        row[heads.index("授权编号")] = f"SQ{number}"
    if path.suffix == ".csv":
        with target.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([heads, *table[1:]])
        return
    with xlsxwriter.Workbook(str(target), {"strings_to_formulas": False}) as made:
        sheet = made.add_worksheet()
        for number, row in enumerate([heads, *table[1:]]):
            for place, cell in enumerate(row):
                sheet.write_string(number, place, str(cell))


@pytest.mark.slow
def test_a_line_of_a_gigabyte_is_refused_with_bounded_memory(settings: Settings, inbox: Path) -> None:
    """A header and then one line of 1 GiB, really on disk; beside it a sparse gigabyte of NUL bytes."""
    ready(settings, ["B0001", "B0002", GOOD])
    zeros = {"sha256": "0" * 64}
    long = write_submission(inbox, "B0001", rows("B0001", 500), manifest_changes=zeros)
    hole = write_submission(inbox, "B0002", rows("B0002", 900), manifest_changes=zeros)
    block = b"a" * (16 << 20)
    with long.open("ab") as out:
        for _ in range(64):
            out.write(block)
    with hole.open("ab") as out:
        out.truncate(1 << 30)
    for path in (long, hole):
        fit_streamed(path)
    write_good(inbox)
    night_memory = peak(lambda: night(settings, inbox))
    items = {item.sender: item for item in all_submissions(settings).values()}
    assert_refused(settings, items["B0001"], "F0004", "long_line")
    assert_refused(settings, items["B0002"], "F0004", "nul")
    assert items["B0001"].facts["line"] == ROWS + 2
    assert items[GOOD].state == State.PUBLISHED
    assert not any(known(settings, [500, 900]))
    print(f"peak above start {night_memory} MiB")
    assert night_memory < 400
    for path in (long, hole):
        path.unlink()
    for item in items.values():
        for sealed in (settings.spool_dir / str(item.id)).glob("source.sealed"):
            sealed.unlink()


def fit_streamed(path: Path) -> None:
    import hashlib

    manifest = json.loads(path.with_name(path.name + ".manifest.json").read_bytes())
    with path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    write_manifest(path, {**manifest, "sha256": digest})


def peak(action: object) -> int:
    """MiB by which the resident memory of this process rose above its start while the action ran."""
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    begun = time.perf_counter()
    action()  # type: ignore[operator]
    print(f"{time.perf_counter() - begun:.1f} s")
    return (status("VmHWM") - before) >> 10


def status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(entry.split()[1]) for entry in lines if entry.startswith(name))
