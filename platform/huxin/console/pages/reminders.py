"""Reminding late members: noting who was told what, taking it back, the words in both languages, all as a workbook."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse

from huxin.console import texts, xlsx
from huxin.console.asked import one_of
from huxin.console.desk import desk
from huxin.console.flashes import say
from huxin.console.pages.calendar import late_words, owed_by
from huxin.console.visitor import someone
from huxin.errors import HuxinError
from huxin.oversight.calendar import BACKFILL_OPEN, MISSING, WAITING
from huxin.oversight.nudges import (
    KINDS,
    PLACES,
    REFUSED,
    load_nudges,
    nudges_for,
    require_words,
    templates_in_force,
)
from huxin.oversight.reporting import LOOKED_BACK, calendar, late_members
from huxin.oversight.reporting_policy import reporting_policy
from huxin.registry import reminders
from huxin.registry.audit_acts import note_act
from huxin.registry.member_acts import note_member_act
from huxin.registry.reports import reporters
from huxin.registry.session import console_connection
from huxin.registry.terms import terms_between

blueprint = Blueprint("reminders", __name__, url_prefix="/reminders")
KIND_WORDS = {
    MISSING: _l("缺报"),
    BACKFILL_OPEN: _l("待补报"),
    WAITING: _l("待确认"),
    REFUSED: _l("文件被拒收"),
}
_AGAIN = timedelta(hours=1)  # so soon the same is not noted again: somebody clicked twice
_PLACE_WORDS = dict(
    zip(PLACES, (_l("机构名称"), _l("机构代码"), _l("日期"), _l("应报时间"), _l("补报截止时间")), strict=True)
)


@blueprint.get("/export")
def export() -> Response:
    """What each late member may be told now, in both languages, and when it was told last."""
    settings = desk().settings
    with console_connection(settings) as database:
        late = late_members(database, reporting_policy(settings.today()), settings.now())
        told, reminded = late_words(database, late)
    rows = (
        [
            each.member.code,
            each.member.name,
            KIND_WORDS[message.kind],
            ", ".join(map(str, message.days)),
            message.zh,
            message.en,
            reminded[each.member.id].sent_at if each.member.id in reminded else None,
        ]
        for each in late
        for message in told[each.member.id]
    )
    heads = [_l("机构代码"), _l("机构名称"), _l("类别"), _l("日期"), _l("中文"), _l("英文"), _l("上次催报")]
    return xlsx.download(gettext("催报"), heads, rows)


@blueprint.post("/<code>")
def remind(code: str) -> AnyResponse:
    """Notes that the member was told what it owes now: its own pages show it, with the words of this moment."""
    settings, person = desk().settings, someone()
    today, now = settings.today(), settings.now()
    with console_connection(settings) as database:
        found = [each for each in reporters(database) if each.code == code]
        if not found:
            abort(404)
        since, ids = today - timedelta(days=LOOKED_BACK), [found[0].id]
        made = calendar(database, reporting_policy(today), since, today, now, found)
        terms = terms_between(database, since, today, ids)
        templates = templates_in_force(reminders.own_words(database))
        told = nudges_for(found[0], owed_by(made), terms, templates)
        sent = {
            (r.kind, tuple(r.days))
            for r in reminders.reminders_of(database, found[0].id)
            if r.sent_at > now - _AGAIN
        }
        told = [each for each in told if (each.kind, each.days) not in sent]
        for each in told:
            words = (each.zh, each.en)
            id_ = reminders.add_reminder(
                database, found[0].id, each.kind, each.days, words, person.login, now
            )
            facts = {
                "code": code,
                "reminder": str(id_),
                "kind": each.kind,
                "days": [str(day) for day in each.days],
            }
            note_member_act(database, found[0].id, "member.reminded", facts, person.login, now)
    if told:
        say(gettext("已记为催报，会员可在“提醒”中看到。"))
    else:
        say(gettext("这家会员现在没有欠报，或刚刚已经催报。"), "info")
    return _back(code)


@blueprint.post("/<code>/<uuid:id_>/withdraw")
def withdraw(code: str, id_: UUID) -> AnyResponse:
    """Takes a reminder back that the member has not seen yet."""
    settings, person = desk().settings, someone()
    with console_connection(settings) as database:
        found = [each for each in reporters(database) if each.code == code]
        kind = reminders.take_back(database, found[0].id, id_) if found else None
        if kind is None:
            abort(404)
        facts = {"code": code, "reminder": str(id_), "kind": kind}
        note_member_act(
            database, found[0].id, "member.reminder_withdrawn", facts, person.login, settings.now()
        )
    say(gettext("已撤回催报。"))
    return _back(code)


@blueprint.get("/words")
def words() -> str:
    """The templates, those shipped and those that were put in their place."""
    return _words()


@blueprint.post("/words")
def change() -> tuple[str, int] | AnyResponse:
    """Puts a template in place of the one shipped; or goes back to that one."""
    settings, person = desk().settings, someone()
    kind = one_of("kind", KINDS)
    if kind is None:
        abort(400)
    zh, en = (request.form.get(name, "").replace("\r\n", "\n").strip() for name in ("zh", "en"))
    try:
        with console_connection(settings) as database:
            if "shipped" in request.form:
                reminders.drop_words(database, kind)
            else:
                require_words(zh, en)
                reminders.set_words(database, kind, zh, en, person.login, settings.now())
            facts = {"kind": kind, "shipped": "shipped" in request.form, "by": person.login}
            note_act(database, "nudge.words", facts, settings.now())
    except HuxinError as error:
        return _words(kind, zh, en, error), error.status or 422
    say(gettext("已保存，以后的催报使用新的文字。"))
    return redirect(url_for("reminders.words"), 303)


def _words(kind: str = "", zh: str = "", en: str = "", wrong: HuxinError | None = None) -> str:
    with console_connection(desk().settings) as database:
        own = reminders.own_words(database)
    shown = {name: (each.zh, each.en) for name, each in templates_in_force(own).items()}
    if kind:
        shown[kind] = (zh, en)
    return render_template(
        "reminders_words.html",
        shown=shown,
        own=own,
        shipped=load_nudges(),
        kinds=KIND_WORDS,
        places=_PLACE_WORDS,
        wrong=wrong.text(texts.language()) if wrong else None,
        wrong_kind=kind,
    )


def _back(code: str) -> AnyResponse:
    if request.form.get("from") == "late":
        return redirect(url_for("calendar.late"), 303)
    return redirect(url_for("calendar.member", code=code), 303)
