"""People: by one-time links, within one's own member, back in by two, and no administrator made by one."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest
from console_world import PASSWORD, Console, Somebody
from flask import g
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from huxin.console import credentials
from huxin.console.app import _words
from huxin.errors import HuxinError
from huxin.registry import approvals, people
from huxin.registry.members import find_member
from huxin.registry.session import connection, console_connection


@pytest.fixture
def two(console: Console) -> tuple[Somebody, Somebody]:
    return console.joined("li.na", "administrator"), console.joined("wang.wu", "administrator")


def link_of(answer: Any) -> str:
    found = re.search(r"(/join/[\w-]+)", answer.text)
    assert found, answer.text
    return found[1]


def topics(console: Console) -> list[str]:
    with connection(console.settings) as database:
        return list(database.scalars(text("SELECT topic FROM outbox ORDER BY id")))


def test_a_link_works_once_and_in_its_time(console: Console, two: tuple[Somebody, Somebody]) -> None:
    path = link_of(two[0].post("/people", {"login": "zhao.liu", "role": "steward"}))
    guest = console.stranger()
    shown = re.search(r'id="totp">(\w+)<', guest.get(path).text)
    assert shown
    guest.totp = shown[1]
    again = re.search(r'id="totp">(\w+)<', console.stranger().get(path).text)
    assert again
    assert again[1] == guest.totp, "what was scanned is worth nothing"
    for wrong in ({"code": "000000"}, {"password": "short"}, {"again": "other horse staple"}):
        assert console.join(guest, path, **wrong).status_code == 422
    assert console.join(guest, path).status_code == 303
    assert guest.get("/").status_code == 200
    assert console.stranger().get(path).status_code == 404
    late = link_of(two[0].post("/people", {"login": "qian.qi", "role": "steward"}))
    console.clock.pass_(hours=72)
    assert console.stranger().get(late).status_code == 404
    assert [topic for topic in topics(console) if topic.startswith("person.")][-3:] == [
        "person.invited",
        "person.joined",
        "person.invited",
    ]


def test_a_new_link_ends_the_one_before(console: Console, two: tuple[Somebody, Somebody]) -> None:
    first = link_of(two[0].post("/people", {"login": "zhao.liu", "role": "steward"}))
    with connection(console.settings) as database:
        person = people.find_login(database, "zhao.liu")
    assert person
    second = link_of(two[0].post(f"/people/{person.id}/link"))
    assert console.stranger().get(first).status_code == 404
    assert console.stranger().get(second).status_code == 200


FORMS: list[tuple[dict[str, str], int]] = [
    ({"login": "Li Na", "role": "steward"}, 422),
    ({"login": "li.na", "role": "steward"}, 409),
    ({"login": "zhao.liu", "role": "emperor"}, 422),
    ({"login": "zhao.liu", "role": "clerk", "member": "M9999"}, 422),
    ({"login": "zhao.liu", "role": "auditor"}, 422),
    ({"login": "zhao.liu", "role": "auditor", "until": "2026-05-31"}, 422),
    ({"login": "zhao.liu", "role": "auditor", "until": "2099-01-01"}, 422),
    ({"login": "zhao.liu", "role": "auditor", "until": "2026-06-30"}, 200),
    ({"login": "qian.qi", "role": "clerk", "member": "M0001"}, 200),
]


def test_an_invitation_is_right_or_said_to_be_wrong(console: Console, two: tuple[Somebody, Somebody]) -> None:
    for form, status in FORMS:
        assert two[0].post("/people", form).status_code == status, form
        with connection(console.settings) as database:
            made = people.find_login(database, form["login"])
        assert (made is not None) is (status in (200, 409)), form


def test_a_members_administrator_sees_and_makes_his_own_staff_alone(
    console: Console, two: tuple[Somebody, Somebody]
) -> None:
    hers = console.joined("m1.admin", "member_administrator", "M0001")
    other = console.joined("m2.clerk", "clerk", "M0002")
    page = hers.get("/people").text
    assert "m1.admin" in page
    assert not [login for login in ("m2.clerk", "li.na", "wang.wu") if login in page]
    for who in (other, two[0]):
        assert hers.get(f"/people/{who.id}").status_code == 404
        for act in ("role", "close", "link", "recover"):
            assert hers.post(f"/people/{who.id}/{act}").status_code == 404
    assert hers.post("/people", {"login": "zhao.liu", "role": "steward"}).status_code == 422
    answer = hers.post("/people", {"login": "m1.clerk", "role": "clerk", "member": "M0002"})
    assert answer.status_code == 200
    with connection(console.settings) as database:
        made = people.find_login(database, "m1.clerk")
    assert made
    assert made.member == "M0001"


def test_two_let_somebody_back_in_and_one_does_not(console: Console, two: tuple[Somebody, Somebody]) -> None:
    li, wang = two
    zhao = console.joined("zhao.liu", "steward")
    assert li.post(f"/people/{zhao.id}/recover", {"reason": "手机遗失"}).status_code == 303
    id_ = re.search(r"/approvals/([\w-]+)/", wang.get("/approvals").text)
    assert id_
    assert li.post(f"/approvals/{id_[1]}/approve").status_code == 403
    assert zhao.get("/").status_code == 200
    path = link_of(wang.post(f"/approvals/{id_[1]}/approve"))
    assert zhao.get("/").status_code == 303, "the old session goes on"
    fresh = console.stranger()
    shown = re.search(r'id="totp">(\w+)<', fresh.get(path).text)
    assert shown
    assert shown[1] != zhao.totp
    fresh.totp, fresh.login = shown[1], zhao.login
    changed = {"password": "another horse staple", "again": "another horse staple"}
    assert console.join(fresh, path, **changed).status_code == 303
    assert console.sign_in(zhao).status_code == 401, "the old password and phone still work"
    assert console.sign_in(fresh, password="another horse staple").status_code == 303
    assert wang.post(f"/approvals/{id_[1]}/approve").status_code == 409
    assert {"approval.proposed", "approval.done", "person.recovered"} <= set(topics(console))


def test_nobody_makes_an_administrator_alone(console: Console, two: tuple[Somebody, Somebody]) -> None:
    li, wang = two
    zhao = console.joined("zhao.liu", "steward")
    assert li.post(f"/people/{zhao.id}/role", {"role": "administrator"}).status_code == 403
    assert li.post("/people", {"login": "sun.ba", "role": "administrator"}).status_code == 303
    with connection(console.settings) as database:
        assert people.find_login(database, "sun.ba") is None
    id_ = re.search(r"/approvals/([\w-]+)/", wang.get("/approvals").text)
    assert id_
    first = link_of(wang.post(f"/approvals/{id_[1]}/approve"))
    # Nor takes anybody an invited one's place alone: another link is given by two.
    with connection(console.settings) as database:
        sun = people.find_login(database, "sun.ba")
    assert sun
    assert f"/people/{sun.id}/link" not in li.get(f"/people/{sun.id}").text
    assert li.post(f"/people/{sun.id}/link").status_code == 403
    assert console.stranger().get(first).status_code == 200
    assert li.post(f"/people/{sun.id}/recover", {"reason": "链接遗失"}).status_code == 303
    id_ = re.search(r"/approvals/([\w-]+)/approve", wang.get("/approvals").text)
    assert id_
    second = link_of(wang.post(f"/approvals/{id_[1]}/approve"))
    assert console.stranger().get(first).status_code == 404
    assert console.stranger().get(second).status_code == 200


def test_a_member_is_suspended_by_two(console: Console, two: tuple[Somebody, Somebody]) -> None:
    li, wang = two
    form = {"act": "member.suspend", "member": "M0002", "reason": "现场检查"}
    assert li.post("/approvals", form).status_code == 303
    assert li.post("/approvals", form).status_code == 409
    assert "1" in re.findall(r'todo-number">(\d+)', wang.get("/").text)
    assert re.findall(r'todo-number">(\d+)', li.get("/").text) == []
    id_ = re.search(r"/approvals/([\w-]+)/", wang.get("/approvals").text)
    assert id_
    assert wang.post(f"/approvals/{id_[1]}/approve").status_code == 303
    with connection(console.settings) as database:
        member = find_member(database, "M0002")
    assert member
    assert not member.active
    sheet = openpyxl.load_workbook(BytesIO(li.get("/approvals.xlsx").data)).active
    assert sheet is not None
    told = [cell.value for cell in sheet[2]]
    assert told[:3] + told[4:5] == ["暂停会员", "M0002", "li.na", "wang.wu"]
    assert "member.suspended" in topics(console)


def test_what_is_not_decided_in_time_is_over_and_may_be_proposed_anew(
    console: Console, two: tuple[Somebody, Somebody]
) -> None:
    li, wang = two
    form = {"act": "member.suspend", "member": "M0002", "reason": ""}
    li.post("/approvals", form)
    id_ = re.search(r"/approvals/([\w-]+)/", wang.get("/approvals").text)
    assert id_
    console.clock.pass_(hours=73)
    for who in two:
        console.sign_in(who)
    assert wang.post(f"/approvals/{id_[1]}/approve").status_code == 409
    assert li.post("/approvals", form).status_code == 303


def test_an_approval_changed_in_the_table_is_not_carried_out(
    console: Console, two: tuple[Somebody, Somebody]
) -> None:
    li, wang = two
    li.post("/approvals", {"act": "member.suspend", "member": "M0002", "reason": ""})
    with connection(console.settings) as database:
        database.execute(text("""UPDATE approval SET argument = '{"member": "M0001"}'"""))
    id_ = re.search(r"/approvals/([\w-]+)/", wang.get("/approvals").text)
    assert id_
    assert wang.post(f"/approvals/{id_[1]}/approve").status_code == 403
    with connection(console.settings) as database:
        assert all(member and member.active for member in (find_member(database, "M0001"),))


def test_the_database_itself_refuses_one_person_for_both(
    console: Console, two: tuple[Somebody, Somebody]
) -> None:
    li = two[0].id
    assert li
    with connection(console.settings) as database:
        id_ = approvals.propose(database, "member.suspend", {"member": "M0001"}, li, "", console.clock())
    wanted = text("UPDATE approval SET state = 'done', decided_by = proposed_by WHERE id = :id")
    with pytest.raises(IntegrityError), connection(console.settings) as database:
        database.execute(wanted, {"id": id_})


def test_the_last_administrator_stays(console: Console, two: tuple[Somebody, Somebody]) -> None:
    li, wang = two
    assert li.post(f"/people/{li.id}/close").status_code == 403
    assert li.post(f"/people/{wang.id}/close").status_code == 303
    with connection(console.settings) as database, pytest.raises(HuxinError) as caught:
        assert li.id
        people.set_state(database, li.id, people.CLOSED)
    assert caught.value.code == "H2005"


def test_a_new_role_ends_the_sessions_of_the_old(console: Console, two: tuple[Somebody, Somebody]) -> None:
    zhao = console.joined("zhao.liu", "steward")
    form = {"role": "auditor", "until": "2026-06-30"}
    assert two[0].post(f"/people/{zhao.id}/role", form).status_code == 303
    assert zhao.get("/").status_code == 303
    assert console.sign_in(zhao).status_code == 303
    with connection(console.settings) as database:
        found = people.find_login(database, "zhao.liu")
    assert found
    assert found.role == "auditor"
    assert found.valid_until
    assert found.valid_until - console.clock() < timedelta(days=31)


@pytest.mark.parametrize(
    ("password", "weak"),
    [
        (PASSWORD, False),
        ("short", True),
        ("aaaaaaaaaaaaaaaa", True),
        ("li.na.li.na.li.na", True),
        ("password123456", True),
        ("马儿认得回家的路途和主人吗", False),
        ("x" * 300, True),
    ],
)
def test_weak_passwords_are_refused(password: str, weak: bool) -> None:
    assert credentials.is_weak(password, "li.na") is weak


def test_the_consoles_role_reads_no_loan_token_or_answer(console: Console) -> None:
    for table in ("loan", "alias", "enquiry", "honeytoken", "mobile_alias"):
        with pytest.raises(Exception, match="42501"), console_connection(console.settings) as database:
            database.execute(text(f"SELECT * FROM {table} LIMIT 1"))


def test_the_consoles_role_sees_one_members_rows_or_an_operators(console: Console) -> None:
    rows = text("SELECT count(*) FROM submission")
    make = """
        INSERT INTO submission
            (member_id, id, state, sender, file, data_digest, manifest_digest, received_at, changed_at)
        VALUES (:member, gen_random_uuid(), 1, 'x', 'x', '', '', now(), now())
    """
    with connection(console.settings) as database:
        for member in console.members.values():
            database.execute(text(make), {"member": member})
    with console_connection(console.settings) as database:
        assert database.scalar(rows) == 2
    with console_connection(console.settings, console.members["M0001"]) as database:
        assert database.scalar(rows) == 1
    with console_connection(console.settings, 0) as database:
        assert database.scalar(rows) == 0


def test_an_operator_alone_is_told_the_command(console: Console) -> None:
    for role, told in ((people.ADMINISTRATOR, True), (people.CLERK, False)):
        person = SimpleNamespace(role=role, language="en")
        with console.app.test_request_context("/"):
            g.visitor = SimpleNamespace(person=person)
            words = _words(HuxinError("H2004", login="nobody"))
        assert ("huxin console people list" in words) == told
