"""The policy: its versions, an editor with faults by line, what a change would do, and its way through two people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse

from huxin.console import texts, xlsx
from huxin.console.access import may
from huxin.console.data_words import FLAGS, OUTCOMES, of_policy
from huxin.console.desk import desk
from huxin.console.flashes import say
from huxin.console.member_words import KINDS
from huxin.console.pages import Entry
from huxin.console.pages.home import Todo
from huxin.console.paging import Column, page_of
from huxin.console.shape import Chip
from huxin.console.visitor import someone
from huxin.decision import load_policies
from huxin.decision.policy_text import Draft, read_policy
from huxin.decision.policy_words import differences
from huxin.errors import HuxinError, for_operators
from huxin.oversight import policy_changes, simulating
from huxin.oversight.policy_rules import first_day
from huxin.oversight.policy_simulation import Period, last_month
from huxin.oversight.policy_sources import draft_of, written
from huxin.registry.people import Person
from huxin.registry.policies import policy_on
from huxin.registry.policy_changes import PROPOSED

blueprint = Blueprint("policies", __name__, url_prefix="/policy")
MENU = (Entry("policies.show", _l("准入规则"), icon="file-text", order=60),)
NAME = "policy"
CHIPS = {
    "shipped": Chip(0, _l("随版本发布")),
    "proposed": Chip(1, _l("待批准"), "orange"),
    "approved": Chip(2, _l("已批准"), "green"),
    "withdrawn": Chip(3, _l("已撤回")),
}
_COLUMNS = (
    Column(_l("版本号")),
    Column(_l("生效日期")),
    Column(_l("状态")),
    Column(_l("提出人")),
    Column(_l("批准人")),
)


def what_waits(person: Person) -> Iterator[Todo]:
    """Proposals of others that wait for this person."""
    if may(person.role, "POST", "/policy/changes/<uuid:id_>/approve"):
        waiting = [
            each
            for each in policy_changes.look_through(desk().settings)
            if each.state == PROPOSED and each.proposed_by != person.login
        ]
        yield Todo(len(waiting), _l("项规则变更待您批准"), url_for("approvals.show"))


@blueprint.get("")
def show() -> str:
    """All versions, shipped and changed."""
    settings = desk().settings
    page = page_of(_versions(), lambda each: each["version"], size=500)
    force = policy_on(settings, settings.today()).version
    return render_template("policies.html", page=page, columns=_COLUMNS, chips=CHIPS, force=force)


@blueprint.get("/export")
def export() -> Response:
    """The versions as a workbook."""
    rows = (
        [
            each["version"],
            each["effective_on"],
            CHIPS[each["state"]].words,
            each.get("proposed_by"),
            each.get("approved_by"),
        ]
        for each in _versions()
    )
    return xlsx.download(gettext("准入规则"), [column.label for column in _COLUMNS], rows)


def _versions() -> list[dict[str, Any]]:
    """Changes, the newest first, and what came with the program."""
    shipped: list[dict[str, Any]] = [
        {"version": each.version, "effective_on": each.effective_on, "state": "shipped"}
        for each in load_policies()
    ]
    return [*[vars(each) for each in reversed(policy_changes.look_through(desk().settings))], *shipped]


@blueprint.get("/edit")
def edit() -> str:
    """The text of a version to change."""
    settings = desk().settings
    version = request.args.get("version") or policy_on(settings, settings.today()).version
    return _editor(written(settings, version)[0], first_day(settings.now()).isoformat())


@blueprint.post("/edit")
def work() -> str | tuple[str, int] | AnyResponse:
    """Looks the text over; with `propose` it is put up for another person, with `simulate` tried on last month."""
    text, day = request.form.get("text", "").replace("\r\n", "\n"), request.form.get("effective_on", "")
    on = _day(day)
    try:
        draft = read_policy(text, NAME, on, proposed=True)
        if "propose" in request.form:
            change = policy_changes.propose(desk().settings, text, NAME, on, someone().login)
            say(gettext("已提出，等待另一人批准。"))
            return redirect(url_for("policies.change", id_=change.id), 303)
        if "simulate" in request.form:
            return _editor(text, day, draft, simulation=_simulated(draft))
    except HuxinError as error:
        if error.status is not None and error.status >= 500:
            raise
        return _editor(text, day, fault=error), 422
    return _editor(text, day, draft)


@blueprint.get("/changes/<uuid:id_>")
def change(id_: UUID) -> str:
    """One proposal: its text, what it changes, and the word on it."""
    found = policy_changes.look(desk().settings, id_)
    draft = read_policy(found.document, found.version, found.effective_on)
    return render_template(
        "policies_change.html",
        change=found,
        chips=CHIPS,
        differences=_differences(draft),
        of_policy=of_policy,
        simulation=None,
        outcomes=OUTCOMES,
        flags=FLAGS,
    )


@blueprint.post("/changes/<uuid:id_>/simulate")
def simulate_change(id_: UUID) -> str:
    """Tries a proposal on last month."""
    found = policy_changes.look(desk().settings, id_)
    draft = read_policy(found.document, found.version, found.effective_on)
    return _progress(_simulated(draft))


@blueprint.post("/changes/<uuid:id_>/approve")
def approve(id_: UUID) -> AnyResponse:
    """Puts another person's proposal in force from its day on."""
    policy_changes.approve(desk().settings, id_, someone().login)
    say(gettext("已批准，自生效日起执行。"))
    return redirect(url_for("policies.change", id_=id_), 303)


@blueprint.post("/changes/<uuid:id_>/withdraw")
def withdraw(id_: UUID) -> AnyResponse:
    """Takes it back."""
    policy_changes.withdraw(desk().settings, id_, someone().login)
    say(gettext("已撤回。"))
    return redirect(url_for("policies.change", id_=id_), 303)


@blueprint.get("/simulations/<uuid:id_>")
def simulation(id_: UUID) -> str:
    """How far a simulation is, and what it found."""
    return _progress(id_)


def _simulated(draft: Draft) -> UUID:
    settings = desk().settings
    usual = last_month(settings.today())
    first, last = _day(request.form.get("from", "")), _day(request.form.get("to", ""))
    period = usual if first is None or last is None or first > last else Period(first, last)
    return simulating.begin(settings, draft.policy, period)


def _progress(id_: UUID) -> str:
    found = simulating.look(desk().settings, id_)
    if found is None:
        abort(404)
    fault = HuxinError(found.code).text(texts.language()) if found.code == "H1217" else found.code
    return render_template(
        "policies_simulation.html",
        id_=id_,
        simulation=found,
        outcomes=OUTCOMES,
        flags=FLAGS,
        kinds=KINDS,
        fault=fault,
    )


def _differences(draft: Draft) -> list[tuple[str, str, str, str]]:
    """(words, key, before, after) against what is in force."""
    settings = desk().settings
    before = draft_of(settings, policy_on(settings, settings.today()).version).entry
    return [
        (of_policy(each.word(texts.language())), each.key, each.before, each.after)
        for each in differences(before, draft.entry)
    ]


def _editor(
    text: str,
    day: str,
    draft: Draft | None = None,
    simulation: UUID | None = None,
    fault: HuxinError | None = None,
) -> str:
    period = last_month(desk().settings.today())
    values: dict[str, Any] = {
        "fault": for_operators(fault, texts.language()) if fault else None,
        "code": fault.code if fault else None,
        "line": _line(fault) if fault else None,
    }
    lines = text.split("\n")
    around = values["line"]
    if around:
        first = max(0, around - 3)
        values["near"] = list(enumerate(lines[first : around + 2], first + 1))
    return render_template(
        "policies_edit.html",
        text=text,
        day=day,
        draft=draft,
        differences=_differences(draft) if draft else None,
        of_policy=of_policy,
        id_=simulation,
        simulation=simulating.look(desk().settings, simulation) if simulation else None,
        outcomes=OUTCOMES,
        flags=FLAGS,
        kinds=KINDS,
        period=period,
        **values,
    )


def _line(fault: HuxinError) -> int | None:
    """The line that a fault's place names (policy:12 …)."""
    _, _, rest = str(fault.facts.get("place", "")).partition(":")
    number = rest.split(" ")[0]
    return int(number) if number.isascii() and number.isdigit() else None


def _day(said: str) -> date | None:
    try:
        return date.fromisoformat(said)
    except ValueError:
        return None
