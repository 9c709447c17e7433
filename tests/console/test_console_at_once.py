"""At one moment from several sides: a link, a code and an approval count once; failures are all counted."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from console_world import PASSWORD, Console, Somebody
from sqlalchemy import text

from huxin.registry import people_sessions
from huxin.registry.session import connection


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What the calls give that begin together."""
    gate, found = threading.Barrier(len(calls)), [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        gate.wait()
        found[place] = call()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def posting(who: Somebody, path: str, form: dict[str, str]) -> Callable[[], int]:
    token = {"csrf": who.csrf("/" if who.login else "/sign-in")}
    return lambda: who.client.post(path, data=token | form).status_code


def test_a_link_lets_one_in(console: Console) -> None:
    path = console.invited("li.na", "administrator")
    guests = [console.stranger() for _ in range(4)]
    shown = re.search(r'id="totp">(\w+)<', guests[0].get(path).text)
    assert shown
    guests[0].totp = shown[1]
    form = {"password": PASSWORD, "again": PASSWORD, "code": console.code(guests[0])}
    assert sorted(at_once(*(posting(guest, path, form) for guest in guests))) == [303, 404, 404, 404]


def test_a_code_lets_one_in(console: Console) -> None:
    li = console.joined("li.na", "administrator")
    console.clock.pass_(seconds=30)
    others = [console.stranger() for _ in range(4)]
    form = {"login": li.login, "password": PASSWORD, "code": console.code(li)}
    assert sorted(at_once(*(posting(other, "/sign-in", form) for other in others))) == [303, 401, 401, 401]


def test_an_approval_is_carried_out_once(console: Console) -> None:
    li, *seconds = (console.joined(login, "administrator") for login in ("li.na", "wang.wu", "zhao.liu"))
    li.post("/approvals", {"act": "member.suspend", "member": "M0002", "reason": ""})
    id_ = re.search(r"/approvals/([\w-]+)/", seconds[0].get("/approvals").text)
    assert id_
    calls = [
        posting(who, f"/approvals/{id_[1]}/{act}", {})
        for who, act in zip(seconds, ("approve", "decline"), strict=True)
    ]
    assert sorted(at_once(*calls)) == [303, 409]
    with connection(console.settings) as database:
        told = "SELECT count(*) FROM outbox WHERE topic IN ('approval.done', 'approval.declined')"
        assert database.scalar(text(told)) == 1


def test_failures_at_once_are_all_counted(console: Console) -> None:
    strangers = [console.stranger() for _ in range(8)]
    form = {"login": "li.na", "password": "wrong horse staple", "code": "000000"}
    told = at_once(*(posting(stranger, "/sign-in", form) for stranger in strangers))
    # Whoever comes when five have failed is told to wait, and nothing is tried.
    assert set(told) <= {401, 429} and told.count(401) >= people_sessions.FREE_TRIES
    with connection(console.settings) as database:
        assert database.scalar(text("SELECT failures FROM sign_in_wait")) == told.count(401)
        assert people_sessions.wait_until(database, "li.na", console.clock())


def test_an_act_that_fails_leaves_the_approval_as_it_was(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes between the second word and the act's end takes both back."""
    li, wang = (console.joined(login, "administrator") for login in ("li.na", "wang.wu"))
    li.post("/approvals", {"act": "member.suspend", "member": "M0002", "reason": ""})
    id_ = re.search(r"/approvals/([\w-]+)/", wang.get("/approvals").text)
    assert id_

    def dies(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("huxin.console.acts.note_act", dies)
        assert wang.post(f"/approvals/{id_[1]}/approve").status_code == 500
    with connection(console.settings) as database:
        assert database.scalar(text("SELECT state FROM approval")) == "proposed"
        assert database.scalar(text("SELECT count(*) FROM member WHERE status <> 'active'")) == 0
    assert wang.post(f"/approvals/{id_[1]}/approve").status_code == 303
