"""What waits for a second person, and what was decided."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from huxin.console import acts, xlsx
from huxin.console.acts import Act
from huxin.console.data_words import ZONES
from huxin.console.desk import desk
from huxin.console.flashes import say
from huxin.console.member_words import plain
from huxin.console.pages import Entry
from huxin.console.pages.home import Todo
from huxin.console.paging import SIZE, Column, cursor, page_of
from huxin.console.shape import Chip
from huxin.console.visitor import now
from huxin.registry import approvals, key_acts, policy_changes
from huxin.registry.approvals import Approval
from huxin.registry.members import find_member
from huxin.registry.people import ADMINISTRATOR, Person
from huxin.registry.session import console_connection

blueprint = Blueprint("approvals", __name__)
MENU = (Entry("approvals.show", _l("复核"), icon="checks", order=70),)
STATES = {
    approvals.PROPOSED: Chip(1, _l("等待复核"), "yellow"),
    approvals.DONE: Chip(2, _l("已同意并执行"), "green"),
    approvals.DECLINED: Chip(3, _l("未同意"), "secondary"),
    "expired": Chip(4, _l("已过期"), "secondary"),
}


def what_waits(person: Person) -> Iterator[Todo]:
    """What somebody else has proposed and this person may decide."""
    if person.role == ADMINISTRATOR:
        with console_connection(desk().settings) as database:
            waiting = [a for a in approvals.open_approvals(database, now()) if a.proposed_by != person.id]
            keys = [
                r
                for r in key_acts.open_requests(database, desk().settings.now())
                if r.requested_by != person.login
            ]
        yield Todo(len(waiting), _l("项操作等待您复核"), url_for("approvals.show"))
        yield Todo(len(keys), _l("项密钥销毁等待复核"), url_for("approvals.show"), "red")


@blueprint.get("/approvals")
def show() -> str:
    """What is open, then what is past."""
    before = cursor()
    with console_connection(desk().settings) as database:
        waiting = approvals.open_approvals(database, now())
        past = approvals.past_approvals(database, now(), _moment(before), SIZE + 1)
        keys = key_acts.open_requests(database, desk().settings.now())
        policies = policy_changes.list_changes(database, policy_changes.PROPOSED)
    page = page_of(past, lambda each: each.proposed_at.isoformat())
    return render_template(
        "approvals.html",
        waiting=waiting,
        keys=keys,
        policies=policies,
        page=page,
        states=STATES,
        acts=acts.acts(),
        columns=_columns(),
        simple=[(act.name, act.words) for act in _simple()],
        shown=_shown,
        plain=plain,
        zones=ZONES,
    )


@blueprint.get("/approvals.xlsx")
def export() -> Response:
    """What is past, as a workbook."""
    with console_connection(desk().settings) as database:
        past = approvals.past_approvals(database, now(), None, xlsx.MOST)
    known = acts.acts()
    rows = (
        [
            known[each.act].words if each.act in known else each.act,
            ", ".join(map(plain, each.argument.values())),
            each.proposer,
            each.proposed_at,
            each.decider,
            each.decided_at,
            STATES[_shown(each)].words,
        ]
        for each in past
    )
    heads = [_l("操作"), _l("对象"), _l("提出"), _l("提出时间"), _l("复核"), _l("复核时间"), _l("状态")]
    return xlsx.download("approvals", heads, rows)


@blueprint.post("/approvals")
def propose() -> Response:
    """Proposes to suspend a member, or to take it back."""
    name, code = request.form.get("act", ""), request.form.get("member", "").strip()
    if name not in {act.name for act in _simple()}:
        abort(400)
    with console_connection(desk().settings) as database:
        found = find_member(database, code)
    if found is None:
        abort(404)
    acts.propose(name, {"member": code}, request.form.get("reason", ""), found.id)
    say(gettext("已提出，须由另一位管理员复核。"), "info")
    return redirect(url_for("approvals.show"), 303)


@blueprint.post("/approvals/<uuid:id_>/approve")
def approve(id_: UUID) -> str | Response:
    """The second person agrees, and it is done; what comes of it is shown once."""
    held, given = acts.decide(id_, True)
    if given:
        login = str(held.argument.get("person", ""))
        return render_template("people_link.html", login=login, address=given)
    say(gettext("已同意并执行。"))
    return redirect(url_for("approvals.show"), 303)


@blueprint.post("/approvals/<uuid:id_>/decline")
def decline(id_: UUID) -> Response:
    """The second person does not agree; or the first takes it back."""
    acts.decide(id_, False)
    say(gettext("未同意，操作已取消。"), "info")
    return redirect(url_for("approvals.show"), 303)


def _simple() -> list[Act]:
    """The acts that need no more than a member's code."""
    return [act for name, act in acts.acts().items() if name in ("member.suspend", "member.resume")]


def _shown(each: Approval) -> str:
    """Which of STATES one is in that is past: nobody decided what has expired."""
    return each.state if each.decided_at else "expired"


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        abort(400)


def _columns() -> list[Column]:
    names = (_l("操作"), _l("对象"), _l("提出"), _l("复核"), _l("状态"))
    return [Column(name) for name in names]
