"""Joining by a one-time link, or coming back by one: a password is chosen, a phone is tied to the account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from huxin.console import credentials, visitor
from huxin.console.desk import desk
from huxin.console.flashes import say
from huxin.registry import people, people_links, people_sessions
from huxin.registry.audit_acts import note_act
from huxin.registry.people import Person
from huxin.registry.session import console_connection

blueprint = Blueprint("joining", __name__)
_ACTS = {people_links.JOIN: "person.joined", people_links.RECOVER: "person.recovered"}


@dataclass(frozen=True)
class Opened:
    """A link that holds: whose it is, and the secret that his phone is to keep."""

    person: Person
    purpose: str
    totp: str


@blueprint.get("/join/<secret>")
def show(secret: str) -> str:
    """The form, with the picture to scan."""
    return _form(_opened(secret))


@blueprint.post("/join/<secret>")
def join(secret: str) -> tuple[str, int] | Response:
    """Uses the link up and signs in; as long as anything is wrong it stays as it is."""
    opened = _opened(secret)
    step = credentials.step_of(opened.totp, request.form.get("code", ""), visitor.now())
    wrong = _wrong(opened.person, step)
    if wrong or step is None:
        return _form(opened, wrong), 422
    if not _let_in(secret, opened, step):
        abort(404)
    visitor.sign_in(opened.person)
    say(gettext("账户已启用。"))
    return redirect(url_for("home.show"), 303)


def _opened(secret: str) -> Opened:
    """404 for a link that was used, has expired or never was: none of them is told from another."""
    key = desk().key("seal", "totp")
    with console_connection(desk().settings) as database:
        link = people_links.find_link(database, secret, visitor.now())
        person = people.find_person(database, link.person_id) if link else None
        if link is None or person is None or person.state == people.CLOSED:
            abort(404)
        if link.totp is None:
            people_links.keep_totp(
                database, secret, credentials.seal_totp(key, person.id, credentials.new_totp())
            )
            link = people_links.find_link(database, secret, visitor.now())
    if link is None or link.totp is None:
        abort(404)
    return Opened(person, link.purpose, credentials.open_totp(key, person.id, link.totp))


def _wrong(person: Person, step: int | None) -> dict[str, str]:
    password, again = request.form.get("password", ""), request.form.get("again", "")
    found = {}
    if credentials.is_weak(password, person.login):
        found["password"] = gettext("密码至少 12 个字符，不能含有用户名或常见的词，也不能只有几种字符。")
    elif password != again:
        found["again"] = gettext("两次输入的密码不一致。")
    if step is None:
        found["code"] = gettext("动态码不正确。请确认手机时间准确，再输入当前显示的 6 位数字。")
    return found


def _let_in(secret: str, opened: Opened, step: int) -> bool:
    person, settings = opened.person, desk().settings
    kept = credentials.hash_password(request.form["password"])
    sealed = credentials.seal_totp(desk().key("seal", "totp"), person.id, opened.totp)
    with console_connection(settings) as database:
        if not people_links.use_link(database, secret, visitor.now()):
            return False
        people.let_in(database, person.id, kept, sealed, step, visitor.now())
        people_sessions.end_all(database, person.id)
        people_sessions.clear_failures(database, person.login, visitor.now())
        facts = {"person": person.login, "role": person.role}
        note_act(database, _ACTS[opened.purpose], facts, settings.now())
    return True


def _form(opened: Opened, wrong: dict[str, str] | None = None) -> str:
    name = gettext("互信")
    values: dict[str, Any] = {"qr": credentials.qr(opened.totp, opened.person.login, name)}
    return render_template(
        "joining.html", joining=opened.person, totp=opened.totp, wrong=wrong or {}, **values
    )
