"""A member's lists as workbooks: its own rows, nothing that runs; and its receipts, proved in the page."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from console_world import Console, Somebody
from members_world import as_csv, book, clerk, filed, lending, published
from python_calamine import CalamineWorkbook
from sqlalchemy import text
from test_my_asking import question

from huxin.console.shape import STATIC
from huxin.registry.sequencing import drain
from huxin.registry.session import connection
from huxin.settings import Settings

EXPORTS = (
    "/my/files/export",
    "/my/files/rules/export",
    "/my/enquiries/export",
    "/my/reservations/export",
    "/my/quality/export",
    "/my/keys/export",
)


@pytest.fixture
def console(settings: Settings, tmp_path: Path) -> Console:
    made = lending(settings)
    published(made, "M0002", book("M0002"), tmp_path)
    return made


@pytest.fixture
def who(console: Console) -> Somebody:
    return clerk(console, role="member_administrator")


def cells(answer: bytes) -> list[list[object]]:
    return CalamineWorkbook.from_filelike(BytesIO(answer)).get_sheet_by_index(0).to_python()


def test_each_list_is_exported_and_holds_no_formula(console: Console, who: Somebody) -> None:
    filed(console, who, "=1+1.csv", as_csv(book("M0001", wrong=(2,))))
    place = who.post("/my/ask", question(who, 6, reference="=2+3", consent_no="@SUM(1)")).headers["Location"]
    key = re.findall(r'name="key" value="([^"]+)"', who.get(place).text)[-1]
    assert who.post(f"{place}/reserve", {"key": key, "amount": "5000"}).status_code == 303
    told = {}
    for path in EXPORTS:
        answer = who.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["Content-Disposition"].startswith("attachment")
        with ZipFile(BytesIO(answer.data)) as opened:
            assert "<f>" not in opened.read("xl/worksheets/sheet1.xml").decode(), path
        told[path] = cells(answer.data)
    assert told["/my/files/export"][1][1] == "=1+1.csv"
    assert told["/my/enquiries/export"][1][3:5] == ["=2+3", "@SUM(1)"]
    assert told["/my/reservations/export"][1][2] == 5000
    assert any(row[0] == "E1101" for row in told["/my/files/rules/export"])
    assert len(told["/my/keys/export"]) == 1
    # Another member's workbooks are its own.
    other = clerk(console, "M0002")
    assert len(cells(other.get("/my/enquiries/export").data)) == 1
    assert len(cells(other.get("/my/reservations/export").data)) == 1
    assert [row[1] for row in cells(other.get("/my/files/export").data)[1:]] == ["M0002.csv"]
    assert other.get("/my/keys/export").status_code == 403


def test_each_list_can_be_printed_and_exported_from_its_page(console: Console, who: Somebody) -> None:
    filed(console, who, "a.csv", as_csv(book("M0001")))
    who.post("/my/ask", question(who, 6))
    for path, export in (
        ("/my/files", "/my/files/export"),
        ("/my/files/rules", "/my/files/rules/export"),
        ("/my/enquiries", "/my/enquiries/export"),
        ("/my/quality", "/my/quality/export"),
        ("/my/keys", "/my/keys/export"),
    ):
        page = who.get(path).text
        assert f'href="{export}"' in page, path
        assert "data-print" in page, path


def test_a_receipt_is_proved_to_its_own_member_alone(console: Console, who: Somebody) -> None:
    place = filed(console, who, "a.csv", as_csv(book("M0001")))
    id_ = place.rsplit("/", 1)[1]
    early = who.get(f"/my/proofs/{id_}")  # not in the log yet
    assert (early.status_code, "H1302" in early.text, "audit sequence" in early.text) == (404, True, False)
    drain(console.settings)
    page = who.get(f"/my/proofs/{id_}").text
    proof = json.loads(re.search(r'id="proof">(.*?)</script>', page, flags=re.DOTALL)[1])  # type: ignore[index]
    receipt = json.loads(who.get(f"{place}/receipt").data)
    assert {name: proof[name] for name in ("record", "salt", "number", "path", "checkpoint")} == {
        name: receipt[name] for name in ("record", "salt", "number", "path", "checkpoint")
    }
    assert f'href="{place}/receipt"' in page
    assert 'data-growth="/my/proofs/growth"' in page
    assert who.get("/my/proofs/growth?from=1&to=1").json["path"] == []
    assert who.get("/my/proofs/growth?from=a&to=1").status_code == 400
    assert clerk(console, "M0002").get(f"/my/proofs/{id_}").status_code == 404
    with connection(console.settings) as database:
        assert database.execute(text("SELECT count(*) FROM audit_leaf")).scalar()


def test_every_list_of_the_console_can_be_exported() -> None:
    """But what is one member's part of a page, and what it was reminded of, which is read and not worked with."""
    without = {
        file.name
        for file in (STATIC.parent / "templates").glob("*.html")
        if "call table(" in (said := file.read_text(encoding="utf-8")) and "export=" not in said
    }
    assert without == {"calendar_late.html", "members_one.html", "my_reminders.html"}
