"""One's own account: another password, which ends one's sessions everywhere else."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from huxin.console import credentials, visitor
from huxin.console.desk import desk
from huxin.console.flashes import say
from huxin.console.pages import Entry
from huxin.console.signing import prove, waits_until
from huxin.registry import people, people_sessions
from huxin.registry.audit_acts import note_act
from huxin.registry.people import Person
from huxin.registry.session import console_connection

blueprint = Blueprint("account", __name__)
MENU = (Entry("account.show", _l("我的账户"), icon="user-cog", order=95),)


@blueprint.get("/account")
def show() -> str:
    """Who one is here, and the form of another password."""
    return render_template("account.html", wrong={})


@blueprint.post("/account")
def change() -> tuple[str, int] | Response:
    """Takes both proofs anew: whoever finds a screen unlocked does not have the account."""
    person = visitor.someone()
    wrong = _wrong(person)
    if wrong:
        return render_template("account.html", wrong=wrong), 422
    kept = credentials.hash_password(request.form["password"])
    with console_connection(desk().settings) as database:
        people.set_password(database, person.id, kept)
        people_sessions.end_all(database, person.id)
        note_act(database, "person.password", {"person": person.login}, desk().settings.now())
    visitor.sign_in(person)
    say(gettext("密码已更改，其他设备上的登录已失效。"))
    return redirect(url_for("account.show"), 303)


def _wrong(person: Person) -> dict[str, str]:
    password = request.form.get("password", "")
    if credentials.is_weak(password, person.login):
        return {"password": gettext("密码至少 12 个字符，不能含有用户名或常见的词，也不能只有几种字符。")}
    if password != request.form.get("again"):
        return {"again": gettext("两次输入的密码不一致。")}
    if waits_until(person.login) is not None:
        return {"code": gettext("尝试次数过多，请稍后再试。")}
    if prove(person.login, request.form.get("old", ""), request.form.get("code", "")) is None:
        return {"code": gettext("现在的密码或动态码不正确。请核对后重试；动态码只能使用一次。")}
    return {}
