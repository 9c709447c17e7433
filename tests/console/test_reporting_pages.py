"""The operators' pages on a night's work: what they say, what they keep from others, and what they cost the server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from console_world import MORNING, Clock, Console, Somebody
from python_calamine import CalamineWorkbook
from sqlalchemy import text

from huxin.cli.setup import prepare
from huxin.console.app import create_console
from huxin.console.config import Config
from huxin.enquiry.desk import Desk
from huxin.enquiry.request import Asker, EnquiryRequest
from huxin.enquiry.subject_keys import Person
from huxin.ids import id_at
from huxin.nightly.pipeline import run_night
from huxin.oversight.closing import close_if_due
from huxin.registry.alarms import Raised, raise_alarm
from huxin.registry.members import add_members, list_members
from huxin.registry.people import ADMINISTRATOR, AUDITOR
from huxin.registry.sequencing import drain
from huxin.registry.session import connection, forget_engine
from huxin.settings import Settings
from support.queries import watched
from support.rows import loan, resident_id, write_submission

TODAY = date(2026, 5, 31)
# So many statements at the most, those that tell who has signed in included; the first page asks every other one.
MOST, MOST_AT_FIRST = 12, 30
PAGES = (
    "/",
    "/calendar",
    "/calendar?code=M0001&since=2026-05-01&until=2026-05-31",
    "/calendar/late",
    "/calendar/members/M0001",
    "/reports",
    "/reports?state=refused&member=M0002&as_of=2026-05-30",
    "/quality",
    "/quality?sort=-rejects",
    "/quality/M0001",
    "/enquiries",
    "/enquiries?member=M0001&staff=S-1&purpose=application&consent_no=SQ1&since=2026-05-01",
    "/alarms",
    "/alarms?state=all&kind=quota",
    "/sector",
)
EXPORTS = (
    "/calendar/export",
    "/reports/export",
    "/quality/export",
    "/enquiries/export",
    "/alarms/export",
    "/sector/export",
)


@pytest.fixture
def console(settings: Settings, tmp_path: Path) -> Iterator[Console]:
    """After a night: M0001 reported in time with a bad row, M0002's file was refused, M0003 sent nothing."""
    prepare(settings)
    with connection(settings) as database:
        add_members(
            database,
            [(code, f"{code} 小贷") for code in ("M0001", "M0002", "M0003")],
            settings.now() - timedelta(9),
        )
        members = {each.code: each.id for each in list_members(database)}
    night = replace(settings, fixed_now=settings.now() - timedelta(days=1))
    rows = [loan("M0001", person, loan_no=f"A-{person}") for person in range(1, 60)]
    write_submission(
        tmp_path, "M0001", [*rows, loan("M0001", 99, loan_no="A-99", balance="=1+1")], TODAY - timedelta(1)
    )
    write_submission(
        tmp_path, "M0002", [loan("M0002", 5)], TODAY - timedelta(1), manifest_changes={"record_count": 9}
    )
    run_night(night, tmp_path)
    close_if_due(night)
    desk = Desk(settings)
    request = EnquiryRequest(
        Person("resident_id", resident_id(5)), "application", "SQ1", date(2027, 1, 1), "S-1", "case"
    )
    desk.enquire(Asker(members["M0001"], "M0001"), request, "key-1")
    desk.close()
    drain(settings)
    with connection(settings) as database:
        found = Raised(
            members["M0001"], "quota", "application", TODAY, TODAY, {"quota": 1, "asked": 3, "refused": 2}
        )
        raise_alarm(database, found, "2020.1", settings.now())
    clock = Clock()
    yield Console(create_console(settings, Config(clock=clock)), settings, clock, members)
    forget_engine(settings)


@pytest.fixture
def operator(console: Console) -> Somebody:
    return console.joined("li.na", ADMINISTRATOR)


def test_each_page_answers_with_few_statements_and_walks_through_nothing_large(
    console: Console, operator: Somebody
) -> None:
    pages = [
        *PAGES,
        _first(operator, "/reports", r"/reports/[0-9a-f-]{36}"),
        _first(operator, "/alarms", r"/alarms/[0-9a-f-]{36}"),
    ]
    for path in pages:
        with watched() as seen:
            answer = operator.get(path)
        assert answer.status_code == 200, (path, answer.text[:300])
        assert 0 < seen.count <= (MOST_AT_FIRST if path == "/" else MOST), (path, seen.count)
        assert seen.walks(console.settings) == [], path
        assert resident_id(5) not in answer.text


def test_pages_are_english_for_who_wants_english(operator: Somebody) -> None:
    operator.post("/language", {"language": "en"})
    for path in PAGES:
        said = re.sub(r"<[^>]*>", " ", operator.get(path).text)
        assert "Sign out" in said or "calendar" in said.lower(), path
        assert not re.search(r"报送日历|数据质量|查询检索|行业概览", said), path
        assert not re.search(r"resident_id|consumer", said), path


def test_the_first_page_tells_what_waits(operator: Somebody) -> None:
    said = _plain(operator.get("/").text)
    assert "3 家机构有应报未报的日期" in said  # of the days before the night, M0001 owes too
    assert "1 个文件被拒收" in said
    assert "1 个查询告警待处理" in said


def _many(settings: Settings) -> None:
    """1,200 open alarms and as many closed ones; 400 refused files, of which 100 were made good; 250 that wait."""
    files = """
        INSERT INTO submission (member_id, id, state, sender, file, data_digest, manifest_digest, as_of_date,
            received_at, changed_at)
        SELECT 3, :id, :state, 'M0003', 'x.csv', :digest, :digest, :day, :at, :at
    """
    at = settings.now() - timedelta(hours=1)
    sent = [(6, date(2025, 1, 1) + timedelta(days=number)) for number in range(400)]
    sent += [(5, day) for _, day in sent[:100]] + [(4, None)] * 250
    values = [
        {
            "id": id_at(at + timedelta(seconds=number)),
            "state": state,
            "digest": str(number).encode(),
            "day": day,
            "at": at,
        }
        for number, (state, day) in enumerate(sent)
    ]
    alarms = """
        INSERT INTO alarm (member_id, id, kind, about, window_from, window_until, figures, first_seen, last_seen, state)
        SELECT 1, gen_random_uuid(), 'repeated', n, now(), now(), '{}', now(), now(),
            CASE WHEN n % 2 = 0 THEN 'open' ELSE 'closed' END
        FROM generate_series(1, 2400) n
    """
    with connection(settings) as database:
        database.execute(text(files), values)
        database.execute(text(alarms))


def test_the_first_page_counts_whatever_there_is(console: Console, operator: Somebody) -> None:
    """More than any list shows; what an operator opens by a number is a list of as many."""
    _many(console.settings)
    said = _plain(operator.get("/").text)
    assert "1,201 个查询告警待处理" in said
    assert "250 个批次等待会员确认" in said
    assert "301 个文件被拒收" in said  # M0002's own, and of 400 those whose day was not published afterwards
    listed = _found(operator.get("/").text, r'href="(/reports\?state=refused[^"]*)"')
    book = operator.get(listed.replace("/reports?", "/reports/export?")).data
    rows = CalamineWorkbook.from_filelike(BytesIO(book)).get_sheet_by_index(0).to_python()
    assert len(rows) == 1 + 301


def test_a_refused_file_is_explained_in_three_clicks(operator: Somebody) -> None:
    home = operator.get("/").text
    listed = operator.get(_found(home, r'href="(/reports\?state=refused[^"]*)"')).text
    said = _plain(operator.get(_found(listed, r'href="(/reports/[0-9a-f-]{36})"')).text)
    assert "已拒收" in said and "F000" in said


def test_findings_are_grouped_by_check_with_counts_and_samples(operator: Somebody) -> None:
    page = operator.get(_first(operator, "/reports?member=M0001", r"/reports/[0-9a-f-]{36}")).text
    said = _plain(page)
    assert "已入库" in said and "1 处" in said and "贷款余额 balance" in said
    assert "=1+1" not in said


def test_the_league_tells_what_is_rejected_for_which_check(operator: Somebody) -> None:
    """Of the sector with the share of members, beside each member its own, on the page as in the workbook."""
    page = operator.get("/quality").text
    said = _plain(page)
    assert "2 家机构有报送" in said
    assert re.search(r"E1202 该项应为数字[^ ]* 1 1 50\.0%", said)
    assert re.search(r"F0002 文件的记录数[^ ]* 1 1 50\.0%", said)
    assert re.search(r"M0001 小贷 .*?E1202 × 1 该项应为数字", said)
    assert 'href="/quality/M0001#rules"' in page and 'id="rules"' in operator.get("/quality/M0001").text
    book = operator.get("/quality/export").data
    head, *rows = CalamineWorkbook.from_filelike(BytesIO(book)).get_sheet_by_index(0).to_python()
    at = head.index("最常见的拒收原因")
    assert {row[1]: row[at : at + 2] for row in rows[:3]} == {
        "M0001": ["E1202", 1],
        "M0002": ["F0002", 1],
        "M0003": ["", ""],
    }
    assert [row[:1] + row[2:5] for row in rows[-2:]] == [["E1202", 1, 1, 50], ["F0002", 1, 1, 50]]


def test_a_holiday_is_granted_by_a_steward_and_by_no_auditor(console: Console, operator: Somebody) -> None:
    form = {"kind": "holiday", "first": "2026-05-30", "reason": "festival"}
    auditor = console.joined("wang.wu", AUDITOR, valid_until=MORNING + timedelta(days=9))
    assert auditor.post("/calendar/members/M0003", form).status_code == 403
    assert "停报、延期、补报" not in auditor.get("/calendar/members/M0003").text
    assert operator.post("/calendar/members/M0003", form).status_code == 303
    assert "停报" in _plain(operator.get("/calendar/members/M0003?since=2026-05-30&until=2026-05-30").text)
    for kind, first, shown in (("extension", "2026-05-28", "延期中"), ("backfill", "2026-05-29", "待补报")):
        more = {"kind": kind, "first": first, "until": "2026-06-05T12:00", "reason": "system"}
        assert operator.post("/calendar/members/M0003", more).status_code == 303, kind
        days = f"since={first}&until={first}"
        assert shown in _plain(operator.get(f"/calendar/members/M0003?{days}").text), kind
    wrong = operator.post(
        "/calendar/members/M0003", {"kind": "extension", "first": "2026-05-30", "reason": "system"}
    )
    assert wrong.status_code == 422
    assert operator.post("/calendar/members/M0003", {"kind": "x", "first": "2026-05-30"}).status_code == 400


def test_a_late_member_is_told_what_it_owes(operator: Somebody) -> None:
    said = operator.get("/calendar/members/M0003").text
    assert "M0003 小贷（M0003）：贵机构" in said
    assert "2026-05-30" in said
    assert "被拒收，没有任何记录入库" in operator.get("/calendar/members/M0002").text


def test_a_person_is_searched_for_with_a_reason_only_and_on_record(
    console: Console, operator: Somebody
) -> None:
    form = {"id_type": "resident_id", "id_no": resident_id(5), "reason": "dispute", "reference": "AH-1"}
    form |= {"since": "2026-05-01", "until": "2026-05-31"}
    answer = operator.post("/enquiries/person", form)
    assert answer.status_code == 200
    assert "SQ1" in answer.text and "M0001" in answer.text
    # In its own field, and nowhere else on the page.
    assert answer.text.count(resident_id(5)) == 1
    assert operator.post("/enquiries/person", form | {"reason": ""}).status_code == 422
    assert operator.post("/enquiries/person", form | {"id_no": "1"}).status_code == 422
    drain(console.settings)
    with connection(console.settings) as database:
        records = (
            database.exec_driver_sql("SELECT record FROM audit_leaf WHERE topic = 'operator.searched'")
            .scalars()
            .all()
        )
    assert len(records) == 1
    assert '"by":"li.na"' in records[0] and resident_id(5) not in records[0]


def test_an_alarm_is_acknowledged_then_closed_with_what_was_found_out(operator: Somebody) -> None:
    address = _first(operator, "/alarms", r"/alarms/[0-9a-f-]{36}")
    assert operator.post(address, {"state": "acknowledged"}).status_code == 303
    assert operator.post(address, {"state": "acknowledged"}).status_code == 422
    assert operator.post(address, {"state": "closed"}).status_code == 422
    assert operator.post(address, {"state": "closed", "note": f"案件 {resident_id(5)}"}).status_code == 422
    assert operator.post(address, {"state": "closed", "note": "系统联调"}).status_code == 303
    said = _plain(operator.get(address).text)
    assert "已关闭" in said and "li.na" in said and "系统联调" in said


def test_what_leads_nowhere_is_not_found(operator: Somebody) -> None:
    nowhere = "01890000-0000-7000-8000-000000000000"
    for path in (
        "/calendar/members/M9",
        "/quality/M9",
        f"/reports/{nowhere}",
        f"/alarms/{nowhere}",
        "/reports/x",
    ):
        assert operator.get(path).status_code == 404, path
    for path in ("/reports?member=M9", "/calendar?since=x&until=y", "/quality?after=x", "/alarms?kind=x"):
        assert operator.get(path).status_code == 200, path
    said = operator.get("/enquiries?member=M9").text
    assert "没有代码为 M9 的会员。" in said and "huxin members" not in said
    assert 'href="/enquiries">清除条件' in said, "a way on from nothing"
    assert "清除条件" not in operator.get("/enquiries").text


@pytest.mark.parametrize("path", EXPORTS)
def test_each_table_is_exported_and_holds_no_formula(operator: Somebody, path: str) -> None:
    answer = operator.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    rows = CalamineWorkbook.from_filelike(BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert len(rows) > 1, path
    assert "<f>" not in _sheet(answer.data)
    assert not {"application", "consumer", "member"} & {cell for row in rows for cell in row}


def _sheet(workbook: bytes) -> str:
    with ZipFile(BytesIO(workbook)) as opened:
        return opened.read("xl/worksheets/sheet1.xml").decode()


def _found(page: str, pattern: str) -> str:
    found = re.search(pattern, page)
    assert found, pattern
    return found[1].replace("&amp;", "&")


def _first(who: Somebody, path: str, pattern: str) -> str:
    return _found(who.get(path).text, f'href="({pattern})"')


def _plain(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))
