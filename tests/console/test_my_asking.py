"""Asking by hand: one question with purpose and consent, an answer at a glance, reservations, nobody else's."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from console_world import Console, Somebody
from members_world import book, clerk, lending, published
from sqlalchemy import text

from huxin.registry.sequencing import drain
from huxin.registry.session import connection
from huxin.settings import Settings
from support.rows import mobile, name, overdue, resident_id


@pytest.fixture
def console(settings: Settings, tmp_path: Path) -> Console:
    made = lending(settings)
    rows = book("M0002")
    rows[4] = overdue(rows[4], 40)
    published(made, "M0002", rows, tmp_path)
    return made


@pytest.fixture
def who(console: Console) -> Somebody:
    return clerk(console)


def question(who: Somebody, person: int, **changes: str) -> dict[str, str]:
    key = re.search(r'name="key" value="([^"]+)"', who.get("/my/ask").text)
    assert key
    return {
        "key": key[1],
        "id_type": "resident_id",
        "id_no": resident_id(person),
        "name": name(person),
        "mobile": mobile(person),
        "purpose": "application",
        "product": "consumer",
        "amount": "20,000.00",
        "consent_no": "SQ-1",
        "consent_until": "2027-12-31",
        "reference": "case-1",
    } | changes


def test_a_question_is_answered_at_a_glance(console: Console, who: Somebody) -> None:
    asked = question(who, 5)
    answer = who.post("/my/ask", asked)
    assert answer.status_code == 303, answer.text
    place = answer.headers["Location"]
    page = who.get(place).text
    assert "转人工" in page
    assert "OVERDUE" in page
    assert "40 天" in page
    assert "2 家会员中 1 家近期已报送" in page
    # How the months before were paid: 40 days late today, 9 at the end of April, and nothing of one's own.
    months = dict(re.findall(r'<tr><th scope="row">(\d{4}-\d\d)</th>(.*?)</tr>', page))
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", months[each]) for each in ("2026-05", "2026-04", "2025-12")]
    assert cells == [["—", "40 天"], ["—", "9 天"], ["—", "—"]]
    assert len(months) == 24
    assert "M0002" not in page
    for secret in (resident_id(5), name(5), mobile(5)):
        assert secret not in page
    # Sent twice it is asked once.
    assert who.post("/my/ask", asked).headers["Location"] == place
    listed = who.get("/my/enquiries").text
    assert listed.count("case-1") == 1
    assert who.login in listed
    english = who.get(place, headers={"Accept-Language": "en"})
    assert english.status_code == 200
    drain(console.settings)
    receipt = who.get(f"{place}/receipt")
    assert json.loads(receipt.data)["record"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id_no": "110101190001010000"}, "证件号码不合规定"),
        ({"consent_until": "2020-01-01"}, "授权已于"),
        ({"consent_until": ""}, "请填写日期"),
        ({"consent_no": ""}, "必填"),
        ({"amount": "12.345"}, "最多两位小数"),
        ({"id_type": "passport", "id_country": ""}, "三位大写国家代码"),
        ({"purpose": "curiosity"}, "请从列表中选择"),
    ],
)
def test_what_is_wrong_stands_beside_it_and_nothing_is_asked(
    console: Console, who: Somebody, changes: dict[str, str], said: str
) -> None:
    answer = who.post("/my/ask", question(who, 5, **changes))
    assert answer.status_code in (403, 422)
    assert said in answer.text
    with connection(console.settings) as database:
        assert database.execute(text("SELECT count(*) FROM enquiry")).scalar() == 0


def test_a_person_in_the_case_number_is_refused(who: Somebody) -> None:
    answer = who.post("/my/ask", question(who, 5, reference=resident_id(5)))
    assert answer.status_code == 422
    assert "H1207" in answer.text or "没有记录" in answer.text


def test_an_amount_is_held_and_given_back(console: Console, who: Somebody) -> None:
    place = who.post("/my/ask", question(who, 6)).headers["Location"]
    key = re.findall(r'name="key" value="([^"]+)"', who.get(place).text)[-1]
    form = {"key": key, "amount": "5000", "product": "consumer"}
    assert who.post(f"{place}/reserve", form).status_code == 303
    assert who.post(f"{place}/reserve", form).status_code == 303
    page = who.get("/my/enquiries").text
    (act,) = re.findall(r'action="(/my/reservations/[^"]+/release)"', page)
    assert page.count("占用中") == 1
    other = clerk(console, "M0002")
    assert other.post(act).status_code == 404
    assert other.get(place).status_code == 404
    assert who.post(act).status_code == 303
    assert "已撤回" in who.get("/my/enquiries").text
    assert who.post(act.replace("release", "convert"), {"loan_no": "\u3000－"}).status_code == 400
    assert who.post(act.replace("release", "convert"), {"loan_no": "L1"}).status_code == 409
    assert who.post(f"{place}/reserve", {"key": key, "amount": "a"}).status_code == 400


def test_a_loan_number_is_put_right_and_a_loan_that_was_not_made_is_taken_back(who: Somebody) -> None:
    place = who.post("/my/ask", question(who, 6)).headers["Location"]
    key = re.findall(r'name="key" value="([^"]+)"', who.get(place).text)[-1]
    assert (
        who.post(f"{place}/reserve", {"key": key, "amount": "5000", "product": "consumer"}).status_code == 303
    )
    (act,) = re.findall(r'action="(/my/reservations/[^"]+)/release"', who.get("/my/enquiries").text)
    for number in ("L1", "L2"):
        assert who.post(f"{act}/convert", {"loan_no": number}).status_code == 303
        page = who.get("/my/enquiries").text
        assert (f"<td>{number}</td>" in page, "更正借据号" in page, "未放款，撤回" in page) == (
            True,
            True,
            True,
        )
    assert who.post(f"{act}/release").status_code == 303
    page = who.get("/my/enquiries").text
    assert ("已撤回" in page, f"{act}/convert" in page) == (True, False)


def test_an_answer_that_does_not_open_hides_none_of_the_others(console: Console, who: Somebody) -> None:
    places = [who.post("/my/ask", question(who, person)).headers["Location"] for person in (6, 7)]
    with connection(console.settings) as database:
        database.execute(
            text("UPDATE enquiry SET answer = 'altered' WHERE id = :id"), {"id": places[0].rsplit("/", 1)[1]}
        )
    page = who.get("/my/enquiries")
    assert (page.status_code, page.text.count("打不开（H1206）"), places[1] in page.text) == (200, 1, True)
    assert who.get(places[0]).status_code == 500


def test_no_reservation_is_out_of_reach(
    console: Console, who: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them than a page holds: the older ones are a page further, and each stands at its own enquiry."""
    monkeypatch.setattr("huxin.console.pages.my_asking.SIZE", 1)
    places = [who.post("/my/ask", question(who, person)).headers["Location"] for person in (6, 7)]
    for place in places:
        key = re.findall(r'name="key" value="([^"]+)"', who.get(place).text)[-1]
        form = {"key": key, "amount": "5000", "product": "consumer"}
        assert who.post(f"{place}/reserve", form).status_code == 303
    assert ["有效至" in who.get(place).text for place in places] == [True, True]
    first = who.get("/my/enquiries").text
    (further,) = re.findall(r'href="([^"]*held=[^"]+)"', first)
    second = who.get(html.unescape(further)).text
    release = re.compile(r'action="(/my/reservations/[^"]+/release)"')
    assert len({*release.findall(first), *release.findall(second)}) == 2
    assert not re.findall(r'href="[^"]*held=', second)


def test_a_suspended_member_may_look_and_not_ask(console: Console, who: Somebody) -> None:
    with connection(console.settings) as database:
        database.execute(text("UPDATE member SET status = 'suspended' WHERE code = 'M0001'"))
    assert who.get("/my/enquiries").status_code == 200
    assert who.post("/my/ask", question(who, 5)).status_code == 403


def test_operators_questions_are_not_among_a_members(console: Console, who: Somebody) -> None:
    from huxin.enquiry.check_words import Account, Check, typed
    from huxin.enquiry.checking import Checker

    person = typed("resident_id", resident_id(5), None, None, None)
    Checker(console.settings, "M0001", Account("op", "inspection")).ask([Check(person)])
    assert "没有查询" in who.get("/my/enquiries").text


def test_a_tier_that_sees_no_arrears_sees_no_months_and_a_past_that_is_gone_is_said(
    console: Console, who: Somebody
) -> None:
    with connection(console.settings) as database:
        database.execute(text("UPDATE member SET tier = 'query_only' WHERE code = 'M0001'"))
    place = who.post("/my/ask", question(who, 5)).headers["Location"]
    page = who.get(place).text
    assert "OVERDUE" not in page
    assert "近 24 个月" not in page
    with connection(console.settings) as database:
        database.execute(text("UPDATE member SET tier = 'full' WHERE code = 'M0001'"))
    place = who.post("/my/ask", question(who, 5)).headers["Location"]
    assert "2026-04</th>" in who.get(place).text
    with connection(console.settings) as database:
        # As though the version that was current then had gone with its month.
        database.execute(text("UPDATE loan SET recorded_at = recorded_at + interval '1 day'"))
    page = who.get(place).text
    assert "已超出保存期限" in page
    assert "OVERDUE" in page
