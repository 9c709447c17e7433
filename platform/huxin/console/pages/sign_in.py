"""Signing in and out."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from werkzeug.wrappers import Response

from huxin.console import visitor
from huxin.console.flashes import say
from huxin.console.gate import local
from huxin.console.signing import prove, waits_until

blueprint = Blueprint("sign_in", __name__)


@blueprint.get("/sign-in")
def show() -> str | Response:
    """The form."""
    if visitor.visitor().person:
        return redirect(local(request.args.get("next")), 303)
    return _form()


@blueprint.post("/sign-in")
def enter() -> tuple[str, int] | Response:
    """Lets in whoever knows password and code."""
    login = request.form.get("login", "").strip()
    until = waits_until(login)
    if until is not None:
        return _form(login, _waiting(until)), 429
    person = prove(login, request.form.get("password", ""), request.form.get("code", ""))
    if person is None:
        return _form(login, gettext("用户名、密码或动态码不正确。请核对后重试；动态码只能使用一次。")), 401
    visitor.sign_in(person)
    return redirect(local(request.form.get("next")), 303)


@blueprint.post("/sign-out")
def out() -> Response:
    """Ends the session."""
    visitor.sign_out()
    say(gettext("已退出。"))
    return redirect(url_for("sign_in.show"), 303)


def _waiting(until: datetime) -> str:
    minutes = max(1, round((until - visitor.now()).total_seconds() / 60 + 0.5))
    return ngettext(
        "尝试次数过多，请在 %(num)d 分钟后再试。", "尝试次数过多，请在 %(num)d 分钟后再试。", minutes
    )


def _form(login: str = "", wrong: str | None = None) -> str:
    wanted = request.form.get("next") or request.args.get("next") or ""
    return render_template("sign_in.html", login=login, wrong=wrong, next=local(wanted))
