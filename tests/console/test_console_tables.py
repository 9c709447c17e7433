"""Exported cells stay text; pages go by cursor; addresses change with their files."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from io import BytesIO
from zipfile import ZipFile

import openpyxl
import pytest
from console_world import Console

from huxin.console import gate, pages, paging, shape, xlsx

HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x.example","x")', "=cmd|' /C calc'!A0"]


def test_no_text_becomes_a_formula_or_a_link() -> None:
    made = xlsx.workbook(["列"], [[text] for text in HOSTILE])
    with ZipFile(BytesIO(made)) as archive:
        assert "<f>" not in archive.read("xl/worksheets/sheet1.xml").decode()
        links = [name for name in archive.namelist() if name.endswith(".rels")]
        assert [name for name in links if b"x.example" in archive.read(name)] == []
        assert 'quotePrefix="1"' in archive.read("xl/styles.xml").decode()
    page = openpyxl.load_workbook(BytesIO(made)).active
    assert page is not None
    cells = [row[0] for row in page.iter_rows(min_row=2)]
    assert [cell.value for cell in cells] == HOSTILE
    assert {cell.data_type for cell in cells} == {"s"}
    assert {cell.quotePrefix for cell in cells} == {True}


def test_values_keep_their_kind() -> None:
    at = datetime(2026, 5, 31, 16, 0, tzinfo=UTC)
    row = ["甲", 3, 2.5, True, date(2026, 5, 31), at, None, 10**18]
    page = openpyxl.load_workbook(BytesIO(xlsx.workbook(list("abcdefgh"), [row]))).active
    assert page is not None
    found = [cell.value for cell in next(page.iter_rows(min_row=2))]
    assert found == ["甲", 3, 2.5, True, datetime(2026, 5, 31), datetime(2026, 6, 1), None, str(10**18)]  # noqa: DTZ001 - as sheets have them


def test_a_workbook_that_ends_before_its_list_says_so(console: Console) -> None:
    for most, told in ((3, 4), (4, 3), (None, 3)):
        with console.app.test_request_context("/"):
            made = xlsx.download("x", ["列"], [[number] for number in range(3)], most).data
        page = openpyxl.load_workbook(BytesIO(made)).active
        assert page is not None
        assert page.max_row == told + 1
        assert ("最多导出 3 行" in str(page.cell(told + 1, 1).value)) is (most == 3)


def test_a_page_tells_whether_there_is_more(console: Console) -> None:
    with console.app.test_request_context("/?sort=-rows"):
        assert paging.page_of(list("abc"), str, 2) == paging.Page(list("ab"), "b", True)
        assert paging.page_of(list("ab"), str, 2).after is None
        assert paging.sort_by(("rows",), "rows") == ("rows", True)
        assert paging.sort_by(("code",), "code") == ("code", False)
    with console.app.test_request_context("/?after=b"):
        assert not paging.page_of(list("c"), str, 2).first


@pytest.mark.parametrize(
    "target", ["//x.example", "/\\x.example", "https://x.example", "x", "", None, "/a\nb", "\\\\x"]
)
def test_nobody_is_sent_elsewhere_after_signing_in(target: str | None) -> None:
    assert gate.local(target) == "/"


def test_within_the_console_one_goes_on() -> None:
    assert gate.local("/approvals?after=3") == "/approvals?after=3"


def test_values_are_written_one_way() -> None:
    assert shape.money(123456789) == "1,234,567.89"
    assert shape.money(None) == shape.NONE
    told = (7, 12345, "990.00", "1000.00-30000.00", "10000000.00+", "0.01-1000.00")
    assert [shape.apart(each) for each in told] == [
        "7",
        "12,345",
        "990.00",
        "1,000.00-30,000.00",
        "10,000,000.00+",
        "0.01-1,000.00",
    ]
    assert shape.percent(0.1234) == "12.3%"
    assert shape.moment(datetime(2026, 5, 31, 16, 5, tzinfo=UTC)) == "2026-06-01 00:05"
    assert shape.day(date(2026, 5, 31)) == "2026-05-31"


def test_files_are_packed_for_who_takes_it_and_there_is_no_way_out(console: Console) -> None:
    client = console.app.test_client()
    plain = client.get("/static/vendor/tabler.min.css")
    packed = client.get("/static/vendor/tabler.min.css", headers={"Accept-Encoding": "br, gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data == (shape.STATIC / "vendor/tabler.min.css").read_bytes()
    assert len(packed.data) * 5 < len(plain.data)
    for name in (
        "../app.py",
        "..%2fapp.py",
        "vendor/../../app.py",
        "vendor",
        "",
        "/etc/passwd",
        "vendor//icons.svg",
    ):
        assert client.get(f"/static/{name}").status_code in (308, 404), name
    versioned = client.get("/static/console.css?v=1")
    assert "immutable" in versioned.headers["Cache-Control"]
    assert versioned.headers["Vary"] == "Accept-Encoding"
    assert "Set-Cookie" not in versioned.headers


def test_the_menu_shows_where_one_is() -> None:
    lines = {"home": "/", "ask": "/my/ask", "list": "/my/enquiries"}
    menu = [(pages.Entry(name, name, "x", 0), path) for name, path in lines.items()]
    asked = ("/", "/my/ask", "/my/enquiries/7", "/my/asks", "/people")
    assert [pages.here(menu, path) for path in asked] == ["home", "ask", "list", None, None]
