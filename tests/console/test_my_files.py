"""A clerk's file: in parts, with its manifest filled in, its faults by rule, its rows mended and sent back."""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from console_world import Console, Somebody
from members_world import as_csv, begun, book, clerk, filed, first_sheet, lending, put, uploaded
from sqlalchemy import text

from huxin.errors import HuxinError
from huxin.nightly.parts import MOST_OPEN, PART, Uploads
from huxin.nightly.submitting import submit
from huxin.registry.sequencing import drain
from huxin.registry.session import connection
from huxin.settings import Settings
from support.rows import AS_OF, resident_id, write_submission


@pytest.fixture
def console(settings: Settings) -> Console:
    return lending(settings)


@pytest.fixture
def who(console: Console) -> Somebody:
    return clerk(console)


def test_a_file_goes_its_way_with_its_manifest_filled_in(console: Console, who: Somebody) -> None:
    content = as_csv(book("M0001"))
    page = who.get(uploaded(who, "报送.csv", content)).text
    assert ">30<" in page
    assert "600,000.00" in page
    place = filed(console, who, "报送.csv", content)
    page = who.get(place).text
    assert "已入库" in page
    assert "没有发现问题" in page
    assert page.count("相符") == 3
    assert "报送.csv" in who.get("/my/files").text
    assert not list((console.settings.home / "uploads").iterdir())[1:]  # its lock, and the one shown only
    # The same file again is the same submission.
    assert filed(console, who, "报送.csv", content) == place


def test_faults_stand_by_rule_and_only_mended_rows_go_back(console: Console, who: Somebody) -> None:
    rows = book("M0001", wrong=(3, 7))
    place = filed(console, who, "a.csv", as_csv(rows))
    page = who.get(place).text
    assert re.search(r"2 处 · 证件号码的校验码不对", page)
    assert "/my/files/rules#E1101" in page
    assert '<tr id="E1101">' in who.get("/my/files/rules").text
    for number in (3, 7):
        assert rows[number - 1]["id_no"] not in page
    sheet = who.get(f"{place}/rows")
    assert sheet.headers["Content-Disposition"].startswith("attachment")
    table = first_sheet(io.BytesIO(sheet.data))
    assert table.height == 2
    assert set(table["错误代码"]) == {"E1101"}
    mended = table.with_columns(pl.Series("证件号码", [resident_id(3), resident_id(7)]))
    target = io.BytesIO()
    mended.write_excel(target, worksheet="待修改")
    address = uploaded(who, "改好.xlsx", target.getvalue())
    assert 'value="correction" selected' in who.get(address).text
    assert AS_OF.isoformat() in who.get(address).text
    again = filed(console, who, "改好.xlsx", target.getvalue(), mode="correction")
    assert "已入库" in who.get(again).text
    with connection(console.settings) as database:
        assert database.execute(text("SELECT count(*) FROM loan WHERE ended_by IS NULL")).scalar() == 30
    # Taking rows in clear is on record.
    drain(console.settings)
    with connection(console.settings) as database:
        (record,) = database.execute(
            text("SELECT record FROM audit_leaf WHERE topic = 'rows.taken'")
        ).scalars()
    assert json.loads(record)["person"] == who.login


def test_the_last_one_can_be_taken_back(console: Console, who: Somebody) -> None:
    first = filed(console, who, "a.csv", as_csv(book("M0001")))
    second = filed(
        console,
        who,
        "b.csv",
        as_csv(book("M0001", count=29)),
        mode="correction",
        as_of_date=AS_OF.isoformat(),
    )
    assert "撤回本批次" not in who.get(first).text
    assert who.post(f"{second}/withdraw").status_code == 303
    assert "已撤回" in who.get(second).text
    assert "撤回本批次" in who.get(first).text


def test_what_vanished_waits_for_a_word(console: Console, who: Somebody) -> None:
    filed(console, who, "a.csv", as_csv(book("M0001")), as_of_date="2026-05-30")
    place = filed(console, who, "b.csv", as_csv(book("M0001", count=2)))
    assert "确认入库（消失 28 笔）" in who.get(place).text
    assert "批次待确认" in who.get("/").text
    home = console.joined("li.na", "administrator").get("/").text
    assert re.search(r'todo-number">1</div><div>个批次等待会员确认', home)
    assert who.post(f"{place}/confirm").status_code == 303
    assert "确认入库" not in who.get(place).text


def test_a_total_that_differs_is_said_beside_it(console: Console, who: Somebody, tmp_path: Path) -> None:
    changes = {"record_count": 9}
    file = write_submission(tmp_path, "M0001", book("M0001"), AS_OF, 1, "full", manifest_changes=changes)
    (item, *_) = submit(console.settings, file, "M0001")
    page = who.get(f"/my/files/{item.id}").text
    (row,) = re.findall(r'<th scope="row">行数</th>(.*?)</tr>', page)
    assert ">9<" in row
    assert "不符" in row
    assert page.count("不符：") == 1


def test_a_check_files_nothing(console: Console, who: Somebody) -> None:
    address = uploaded(who, "a.csv", as_csv(book("M0001", wrong=(5,))))
    page = who.post(f"{address}/check", {"as_of_date": AS_OF.isoformat(), "mode": "full"}).text
    assert "可入库 29 行，拒收 1 行" in page
    assert "E1101" in page
    with connection(console.settings) as database:
        assert database.execute(text("SELECT count(*) FROM submission")).scalar() == 0
    assert who.post(f"{address}/drop").status_code == 303
    assert who.get(address).status_code == 404


def test_a_broken_upload_goes_on(console: Console, who: Somebody) -> None:
    content = b"x" * (PART + 10)
    state = begun(who, "big.csv", len(content))
    assert (state["parts"], state["have"]) == (2, 0)
    assert put(who, state["id"], 0, content[:PART]).json["have"] == 1
    assert put(who, state["id"], 1, content[: PART // 2]).status_code == 422
    assert put(who, state["id"], 2, b"").status_code == 422
    assert who.get(f"/my/uploads/{state['id']}/state").json["have"] == 1
    assert who.post(f"/my/uploads/{state['id']}/finish").status_code == 409
    assert put(who, state["id"], 1, content[PART:]).json["have"] == 2
    uploads = Uploads(console.settings)
    upload = uploads.find("M0001", uploads.find("M0001", _uuid(state["id"])).id)
    assert b"".join(uploads.blocks(upload)) == content
    with uploads.opened(upload) as source:
        source.seek(PART - 3)
        assert source.read(6) == content[PART - 3 : PART + 3]
    # Nothing of it is in clear.
    for file in uploads._vault.folder(upload.id).iterdir():
        assert b"xxxxxxxx" not in file.read_bytes()


def _uuid(said: str):  # type: ignore[no-untyped-def]
    from uuid import UUID

    return UUID(said)


def test_uploads_are_their_members_and_do_not_pile_up(console: Console, who: Somebody) -> None:
    other = clerk(console, "M0002")
    mine = begun(who, "a.csv", 3)
    assert other.get(f"/my/uploads/{mine['id']}/state").status_code == 404
    assert put(other, mine["id"], 0, b"abc").status_code == 404
    for _ in range(MOST_OPEN + 2):
        begun(who, "a.csv", 3)
    assert len(Uploads(console.settings)._vault.open_ids()) == MOST_OPEN
    assert who.post("/my/uploads", {"name": "a", "size": str(3 << 30)}).status_code == 413
    assert who.post("/my/uploads", {"name": "a", "size": "-1"}).status_code == 400


def test_an_upload_that_goes_meanwhile_keeps_nobody_from_beginning(
    console: Console, who: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is open is looked through at each beginning, while others file theirs and let go of them."""
    begun(who, "a.csv", 3)

    def gone(_: Path) -> Iterator[Path]:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "iterdir", gone)
    assert Uploads(console.settings).begin("M0002", "b.csv", 1, 10).have == 0


def test_others_files_are_unknown(console: Console, who: Somebody) -> None:
    place = filed(console, who, "a.csv", as_csv(book("M0001", wrong=(1,))))
    other = clerk(console, "M0002")
    for tail in ("", "/rows", "/receipt", "/now"):
        assert other.get(place + tail).status_code == 404
    for act in ("confirm", "withdraw"):
        assert other.post(f"{place}/{act}").status_code == 404


def zipped(**parts: bytes) -> bytes:
    """A workbook's outside: its parts, packed as tightly as may be."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in {"xl/workbook.xml": b"<workbook/>", **parts}.items():
            archive.writestr(name, content)
    return target.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY f SYSTEM "file:///etc/passwd">]><worksheet>&c;&f;</worksheet>"""
HOSTILE = {
    "bomb.xlsx": zipped(**{SHEET: bytes(80 << 20)}),  # a thousand times its size
    "bomb.csv.gz": gzip.compress(bytes(80 << 20), 9, mtime=0),
    "laughs.xlsx": zipped(**{SHEET: LAUGHS}),
    "within.xlsx": zipped(**{"a.zip": zipped(), "b.html": b"<script>alert(1)</script>"}),
    "wide.xlsx": zipped(
        **{SHEET: b'<worksheet><sheetData><row><c r="XFD1048576"/></row></sheetData></worksheet>'}
    ),
    "front.xlsx": b"<html><script>alert(1)</script>" + zipped(),
    "paper.csv": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj",
    "old.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "polyglot.csv": b"GIF89a/*\xff*/=1;<script>alert(1)</script>\x00\x01",
    "picture.svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "macro.xlsm": b"PK\x03\x04" + bytes(200),
    "page.csv": b"<html><script>alert(1)</script>",
    "half.parquet": b"PAR1" + bytes(40),
    "empty.csv": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_told_and_leave_the_server_well(console: Console, who: Somebody, name: str) -> None:
    content = HOSTILE[name]
    state = begun(who, name, len(content))
    assert put(who, state["id"], 0, content).status_code == 200
    answer = who.post(f"/my/uploads/{state['id']}/finish")
    assert answer.status_code == 422
    assert "H0608" in answer.text
    assert "alert(1)" not in answer.text
    assert who.get("/my/files").status_code == 200


def test_a_name_that_acts_is_text(console: Console, who: Somebody) -> None:
    address = uploaded(who, '"><script>alert(1)</script>.csv', as_csv(book("M0001")))
    assert "<script>alert" not in who.get(address).text
    assert begun(who, "../../etc/passwd", 1)["have"] == 0


def test_cells_that_a_spreadsheet_would_run_stay_text(console: Console, who: Somebody) -> None:
    rows = book("M0001", wrong=(2,))
    rows[1]["purpose"] = '=HYPERLINK("http://x","a")'
    rows[1]["name"] = "@SUM(1)"
    place = filed(console, who, "a.csv", as_csv(rows))
    sheet = who.get(f"{place}/rows").data
    with zipfile.ZipFile(io.BytesIO(sheet)) as book_:
        cells = "".join(book_.read(name).decode() for name in book_.namelist() if "worksheets/" in name)
    assert "<f>" not in cells
    assert "vbaProject" not in " ".join(zipfile.ZipFile(io.BytesIO(sheet)).namelist())


def test_of_a_workbook_with_a_macro_only_cells_are_taken(
    console: Console, who: Somebody, tmp_path: Path
) -> None:
    rows, file = book("M0001", wrong=(2,)), tmp_path / "m.xlsx"
    with xlsxwriter.Workbook(str(file)) as made:
        sheet = made.add_worksheet()
        for line, cells in enumerate([list(rows[0]), *(list(row.values()) for row in rows)]):
            for column, cell in enumerate(cells):
                sheet.write_string(line, column, cell)
        sheet.write_formula(3, 12, '=WEBSERVICE("http://127.0.0.1/")', None, "home")
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0 Sub AutoOpen")
    place = filed(console, who, "m.xlsm", file.read_bytes())
    assert "已入库" in who.get(place).text
    back = who.get(f"{place}/rows").data
    with zipfile.ZipFile(io.BytesIO(back)) as archive:
        assert [name for name in archive.namelist() if "vba" in name] == []
    assert b"AutoOpen" not in back


def test_an_upload_is_forgotten_after_a_day(settings: Settings) -> None:
    from dataclasses import replace
    from datetime import timedelta

    from huxin.cli.setup import prepare

    prepare(settings)
    made = Uploads(settings).begin("M0001", "a.csv", 1, 10)
    assert settings.fixed_now
    later = Uploads(replace(settings, fixed_now=settings.fixed_now + timedelta(days=2)))
    later.begin("M0002", "b.csv", 1, 10)
    with pytest.raises(HuxinError, match="H1412"):
        later.find("M0001", made.id)
