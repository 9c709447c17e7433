"""Reminding late members: by words that operators may change, on record, seen by the member and by nobody else's."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO

import pytest
from console_world import MORNING, Console, Somebody
from python_calamine import CalamineWorkbook
from sqlalchemy import text

from huxin.errors import HuxinError
from huxin.oversight.nudges import KINDS, load_nudges, require_words
from huxin.registry.session import connection


@pytest.fixture
def late(console: Console) -> Console:
    """Both members joined some days ago and have sent nothing."""
    with connection(console.settings) as database:
        database.execute(text("UPDATE member SET created_at = created_at - interval '9 days'"))
    return console


@pytest.fixture
def li(late: Console) -> Somebody:
    return late.joined("li.na", "administrator")


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


def test_a_reminder_is_noted_and_seen_by_its_member_alone(late: Console, li: Somebody) -> None:
    first, other = late.joined("m1.clerk", "clerk", "M0001"), late.joined("m2.clerk", "clerk", "M0002")
    assert "尚未催报" in li.get("/calendar/late").text
    assert li.post("/reminders/M0001", {"from": "late"}).headers["Location"] == "/calendar/late"
    assert "li.na 于" in plain(li.get("/calendar/late").text)
    assert "刚刚已经催报" in li.post("/reminders/M0001", follow_redirects=True).text, "clicked twice"
    assert "1 条催报提醒未阅" in plain(first.get("/").text)
    assert "0 条催报提醒未阅" in plain(other.get("/").text)
    said = first.get("/my/reminders").text
    assert "甲公司（M0001）：贵机构" in said
    assert "没有提醒" in other.get("/my/reminders").text
    id_ = re.search(r"/my/reminders/([\w-]+)", said)
    assert id_
    assert other.post(f"/my/reminders/{id_[1]}").status_code == 404
    assert first.post(f"/my/reminders/{id_[1]}").status_code == 303
    assert first.post(f"/my/reminders/{id_[1]}").status_code == 404
    assert "m1.clerk" in plain(first.get("/my/reminders").text)
    assert "会员已阅" in li.get("/calendar/late").text
    # What has been seen is not taken back.
    assert li.post(f"/reminders/M0001/{id_[1]}/withdraw").status_code == 404
    with connection(late.settings) as database:
        topics = database.execute(text("SELECT topic, body ->> 'by' AS by FROM outbox ORDER BY id")).all()
    acts = [tuple(row) for row in topics if row.topic.startswith("member.")]
    assert acts == [("member.reminded", "li.na"), ("member.reminder_seen", "m1.clerk")]


def test_a_reminder_is_taken_back_and_an_auditor_sends_none(late: Console, li: Somebody) -> None:
    shen = late.joined("shen", "auditor", valid_until=MORNING + timedelta(days=9))
    assert shen.post("/reminders/M0001").status_code == 403
    assert "记为已催报" not in shen.get("/calendar/late").text
    assert li.post("/reminders/M0001").status_code == 303
    id_ = re.search(r"/reminders/M0001/([\w-]+)/withdraw", li.get("/calendar/members/M0001").text)
    assert id_
    assert li.post(f"/reminders/M0002/{id_[1]}/withdraw").status_code == 404
    assert li.post(f"/reminders/M0001/{id_[1]}/withdraw").status_code == 303
    assert "尚未催报" in li.get("/calendar/late").text
    assert "撤回催报" in li.get("/members/M0001").text
    assert li.post("/reminders/M9").status_code == 404


def test_who_owes_nothing_is_not_reminded(console: Console) -> None:
    li = console.joined("li.na", "administrator")
    assert "没有欠报" in li.post("/reminders/M0001", follow_redirects=True).text
    with connection(console.settings) as database:
        assert database.execute(text("SELECT count(*) FROM reminder")).scalar() == 0


def test_words_are_changed_and_put_back(late: Console, li: Somebody) -> None:
    form = {"kind": "missing", "zh": "请 {member} 补报 {days}。", "en": "{code}: send {days} by {due}."}
    for wrong in (
        {"zh": "{subject}"},
        {"zh": "{member.__class__}"},
        {"en": ""},
        {"zh": "{"},
        {"zh": "{member!r}"},
    ):
        answer = li.post("/reminders/words", form | wrong)
        assert answer.status_code == 422, wrong
    assert li.post("/reminders/words", form | {"kind": "poem"}).status_code == 400
    assert li.post("/reminders/words", form).status_code == 303
    assert "请 甲公司 补报" in li.get("/calendar/late").text
    rows = (
        CalamineWorkbook.from_filelike(BytesIO(li.get("/reminders/export").data))
        .get_sheet_by_index(0)
        .to_python()
    )
    assert [row[0] for row in rows[1:]] == ["M0001", "M0002"]
    assert str(rows[1][4]).startswith("请 甲公司 补报")
    assert li.post("/reminders/words", {"kind": "missing", "shipped": "1"}).status_code == 303
    assert "甲公司（M0001）：贵机构" in li.get("/calendar/late").text
    assert "li.na" not in re.sub(r"<header.*?</header>", "", li.get("/reminders/words").text, flags=re.DOTALL)


def test_shipped_words_are_words_that_would_be_taken() -> None:
    for kind in KINDS:
        require_words(load_nudges()[kind].zh, load_nudges()[kind].en)
    with pytest.raises(HuxinError):
        require_words("x" * 2001, "x")
