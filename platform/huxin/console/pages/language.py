"""The choice of language."""

from __future__ import annotations

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from huxin.console.desk import desk
from huxin.console.gate import local
from huxin.console.texts import COOKIE, LANGUAGES
from huxin.console.visitor import visitor
from huxin.registry.people import set_language
from huxin.registry.session import console_connection

blueprint = Blueprint("language", __name__)
_YEAR_S = 365 * 86_400


@blueprint.post("/language")
def choose() -> Response:
    """Keeps the choice with the person, and with this browser."""
    answer = redirect(local(request.form.get("next")), 303)
    chosen = request.form.get("language", "")
    if chosen not in LANGUAGES:
        return answer
    person = visitor().person
    if person:
        with console_connection(desk().settings) as database:
            set_language(database, person.id, chosen)
    secure = desk().config.secure
    answer.set_cookie(COOKIE, chosen, max_age=_YEAR_S, secure=secure, httponly=True, samesite="Lax", path="/")
    return answer
