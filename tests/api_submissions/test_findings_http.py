"""Findings over HTTP: masked as JSON in pages, and the member's own rows as they are mended."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from uuid import UUID

import pytest
from http_world import ME, World, code_of
from night_tools import book
from python_calamine import CalamineWorkbook

from huxin.nightly.spool import Spool


def wrong(*numbers: int) -> list[dict[str, str]]:
    return book(ME, wrong=numbers)


def test_findings_are_told_page_by_page(world: World) -> None:
    number = world.filed(wrong(2, 5, 9))["id"]
    seen = []
    path = f"/v1/submissions/{number}/findings?limit=2"
    first = world.get(path).json
    assert (first["submission_id"], first["state"]) == (number, "published")
    while True:
        page = world.get(path).json
        seen += page["items"]
        if not page["next"]:
            break
        path = f"/v1/submissions/{number}/findings?limit=2&cursor={page['next']}"
    assert [(each["record"], each["line"], each["code"], each["field"]) for each in seen] == [
        (2, 3, "E2601", "consent_no"),
        (5, 6, "E2601", "consent_no"),
        (9, 10, "E2601", "consent_no"),
    ]
    assert all(each["text"] and each["hint"] and each["severity"] == "reject" for each in seen)


def test_a_refusal_comes_first_and_once(world: World) -> None:
    number = world.filed(wrong(2), manifest_changes={"record_count": 39})["id"]
    page = world.get(f"/v1/submissions/{number}/findings?limit=1").json
    assert [each["code"] for each in page["items"]] == ["F0002", "E2601"]
    assert page["next"] is None


def test_a_cursor_is_of_one_submission_only(world: World) -> None:
    one, two = world.filed(wrong(2, 3))["id"], world.filed(wrong(2, 3), sequence=2)["id"]
    cursor = world.get(f"/v1/submissions/{one}/findings?limit=1").json["next"]
    response = world.get(f"/v1/submissions/{two}/findings?limit=1&cursor={cursor}")
    assert (response.status_code, code_of(response)) == (400, "H1124")


def test_rows_come_back_as_csv_and_go_in_again_mended(world: World, tmp_path: Path) -> None:
    rows = wrong(2)
    rows[1]["purpose"] = "=1+1"
    number = world.filed(rows)["id"]
    response = world.get(f"/v1/submissions/{number}/findings?format=csv")
    assert response.content_type == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == f'attachment; filename="findings-{number}.csv"'
    assert response.headers["Cache-Control"] == "no-store"
    (row,) = csv.DictReader(io.StringIO(response.data.decode("utf-8-sig")))
    assert (row["借据号"], row["证件号码"], row["错误代码"]) == (
        rows[1]["loan_no"],
        rows[1]["id_no"],
        "E2601",
    )
    assert row["贷款用途"] == "'=1+1"


def test_rows_come_back_as_a_spreadsheet_and_leave_nothing_behind(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none such"))
    number = world.filed(wrong(2))["id"]
    response = world.get(f"/v1/submissions/{number}/findings?format=xlsx")
    assert response.content_type.endswith("spreadsheetml.sheet")
    sheets = CalamineWorkbook.from_filelike(io.BytesIO(response.data))
    to_mend, findings = (sheets.get_sheet_by_index(number).to_python() for number in (0, 1))
    assert (len(to_mend), len(findings)) == (2, 2)
    assert book(ME)[1]["id_no"] in to_mend[1]


def test_rows_of_a_file_not_checked_yet_are_waited_for(world: World) -> None:
    number = world.post(world.written(wrong(2))).json["id"]
    response = world.get(f"/v1/submissions/{number}/findings?format=csv")
    assert (response.status_code, code_of(response), response.headers["Retry-After"]) == (409, "H1408", "10")
    assert world.get(f"/v1/submissions/{number}/findings").json["items"] == []


def test_rows_that_are_gone_are_said_to_be_gone(world: World) -> None:
    said = world.filed(wrong(2))
    Spool(world.settings).forget(UUID(said["id"]))
    for form in ("csv", "xlsx"):
        response = world.get(f"/v1/submissions/{said['id']}/findings?format={form}")
        assert (response.status_code, code_of(response)) == (410, "H1409")
    assert len(world.get(f"/v1/submissions/{said['id']}/findings").json["items"]) == 1


def test_a_file_without_fault_gives_an_empty_sheet(world: World) -> None:
    number = world.filed()["id"]
    response = world.get(f"/v1/submissions/{number}/findings?format=csv")
    assert response.status_code == 200
    assert list(csv.DictReader(io.StringIO(response.data.decode("utf-8-sig")))) == []


def test_an_unknown_format_is_told(world: World) -> None:
    number = world.post(world.written()).json["id"]
    assert code_of(world.get(f"/v1/submissions/{number}/findings?format=pdf")) == "H1121"
