"""Alarms of the guard: what is going on, its figures, and what operators did about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from huxin.console import flashes, xlsx
from huxin.console.asked import one_of, text_of
from huxin.console.data_words import PURPOSES
from huxin.console.desk import desk
from huxin.console.pages import Entry
from huxin.console.pages.home import Todo
from huxin.console.paging import Column, Page
from huxin.console.reporting_words import ALARM_CHIPS, ALARM_KINDS, FIGURES, USUAL
from huxin.console.texts import language
from huxin.console.visitor import someone
from huxin.errors import HuxinError, for_operators
from huxin.oversight import alarms
from huxin.registry.alarms import ACKNOWLEDGED, CLOSED, STATES, count_open, list_alarms
from huxin.registry.people import Person
from huxin.registry.session import console_connection

blueprint = Blueprint("alarms", __name__)
MENU = (Entry("alarms.show", _l("查询告警"), icon="alert-triangle", order=50),)
_SHOWN = 200
_GOING_ON = "going_on"


def what_waits(_person: Person) -> Iterator[Todo]:
    """Alarms that nobody has acknowledged."""
    with console_connection(desk().settings) as database:
        waiting = count_open(database)
    yield Todo(waiting, gettext("个查询告警待处理"), url_for("alarms.show", state="open"), "red")


@blueprint.get("/alarms")
def show() -> str:
    """Alarms by state, kind and member, the last seen first."""
    found = _listed()
    columns = [
        *(
            Column(words)
            for words in (_l("最近发现"), _l("机构"), _l("类别"), _l("用途"), _l("状态"), _l("期间"))
        )
    ]
    states = [(_GOING_ON, gettext("未关闭")), *((each, str(ALARM_CHIPS[each].words)) for each in STATES)]
    kinds = [("", gettext("全部")), *((kind, str(words)) for kind, words in ALARM_KINDS.items())]
    return render_template(
        "alarms.html",
        page=Page(found, None, True),
        columns=columns,
        chips=ALARM_CHIPS,
        kinds=ALARM_KINDS,
        purposes=PURPOSES,
        state_choices=states,
        kind_choices=kinds,
        asked={"state": _state(), "kind": text_of("kind") or "", "member": text_of("member") or ""},
        most=_SHOWN,
    )


@blueprint.get("/alarms/export")
def export() -> Response:
    """The same as a workbook."""
    names = (
        _l("告警编号"),
        _l("机构"),
        _l("类别"),
        _l("用途"),
        _l("状态"),
        _l("起"),
        _l("止"),
        _l("首次发现"),
        _l("最近发现"),
        _l("处理人"),
        _l("备注"),
    )
    rows = (
        [
            *(str(each.id), each.member, str(ALARM_KINDS[each.kind]), str(PURPOSES.get(each.about, ""))),
            *(str(ALARM_CHIPS[each.state].words), each.window_from, each.window_until),
            *(each.first_seen, each.last_seen, each.changed_by, each.note),
        ]
        for each in _listed()
    )
    return xlsx.download(gettext("查询告警"), names, rows, _SHOWN)


@blueprint.get("/alarms/<uuid:number>")
def one(number: UUID) -> str:
    """One alarm with its figures; of a subject only the last enquiry's number is told."""
    return _one(number)


@blueprint.post("/alarms/<uuid:number>")
def settle(number: UUID) -> Any:
    """Acknowledges or closes it; a leaf of the log."""
    state = one_of("state", (ACKNOWLEDGED, CLOSED))
    note = text_of("note", alarms.LONGEST_NOTE + 1)
    if state is None:
        abort(400)
    if state == CLOSED and note is None:
        return _one(number, gettext("关闭时请写明核实结果。")), 422
    try:
        alarms.settle(desk().settings, number, state, note, by=someone().login)
    except HuxinError as error:
        if error.code == "H1903":
            abort(404)
        if error.code not in ("H1904", "H1906", "H1207"):
            raise
        return _one(number, for_operators(error, language())), 422
    flashes.say(gettext("已记录。"))
    return redirect(url_for("alarms.one", number=number), 303)


def _one(number: UUID, wrong: str | None = None) -> str:
    try:
        found = alarms.look(desk().settings, number)
    except HuxinError as error:
        if error.code != "H1903":
            raise
        abort(404)
    return render_template(
        "alarms_one.html",
        alarm=found,
        chips=ALARM_CHIPS,
        kinds=ALARM_KINDS,
        purposes=PURPOSES,
        words=FIGURES,
        figures=sorted(found.figures, key=[*FIGURES, *found.figures].index),
        usual=USUAL,
        wrong=wrong,
    )


def _state() -> str:
    return one_of("state", (*STATES, "all")) or _GOING_ON


def _listed() -> list[Any]:
    kind = one_of("kind", ALARM_KINDS)
    with console_connection(desk().settings) as database:
        return list_alarms(database, _state(), text_of("member"), kind, _SHOWN)
