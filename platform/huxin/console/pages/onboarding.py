"""A member's way in, in numbered steps that can be left and taken up again; the last is a test file that passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, redirect, render_template, request, send_file, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from huxin.console import texts
from huxin.console.asked import text_of
from huxin.console.checking import Told, check_test, outcome
from huxin.console.credentials import check_login
from huxin.console.desk import desk
from huxin.console.findings import SEVERITIES
from huxin.console.first_call import make_key
from huxin.console.flashes import say
from huxin.console.member_words import KINDS, STEPS
from huxin.console.pages.members import register_key
from huxin.console.visitor import now, someone
from huxin.enquiry.own_words import require_nobody
from huxin.errors import HuxinError, for_operators
from huxin.oversight.members import require_data
from huxin.paths import schema_root
from huxin.registry import onboardings as onboarding
from huxin.registry import people, people_links
from huxin.registry.console_members import member_row
from huxin.registry.member_acts import note_member_act
from huxin.registry.onboardings import ONBOARDING, Onboarding
from huxin.registry.session import console_connection

if TYPE_CHECKING:
    from sqlalchemy import Connection

blueprint = Blueprint("onboarding", __name__, url_prefix="/members")
TEMPLATES = {"csv": "loan_v1.csv", "xlsx": "loan_v1.xlsx"}


@blueprint.get("/new")
def new() -> str:
    """The first step: what the member is."""
    return _first()


@blueprint.post("/new")
def begin() -> tuple[str, int] | AnyResponse:
    """Registers a member that may neither file nor ask yet."""
    code, name, kind = text_of("code") or "", text_of("name", 128) or "", text_of("kind") or ""
    person, settings = someone(), desk().settings
    try:
        require_data(code, name, kind)
        with console_connection(settings) as database:
            id_ = onboarding.begin_onboarding(database, code, name, kind, person.login, settings.now())
            facts = {"code": code, "name": name, "kind": kind}
            note_member_act(database, id_, "member.onboarding", facts, person.login, settings.now())
    except HuxinError as error:
        return _first(error), error.status or 422
    return redirect(url_for("onboarding.show", code=code), 303)


@blueprint.get("/template.<kind>")
def template(kind: str) -> Response:
    """The form of a file to fill in."""
    return template_file(kind)


@blueprint.get("/<code>/onboarding")
def show(code: str) -> str:
    """The step at which it stands, or one that was done."""
    with console_connection(desk().settings) as database:
        found = _found(database, code)
    asked = request.args.get("step", "")
    step = int(asked) if asked in ("2", "3", "4") else max(found.step, 2)
    return _page(found, step)


@blueprint.post("/<code>/onboarding/people")
def invite(code: str) -> tuple[str, int] | str:
    """The second step: how the member is reached, and the one-time link of its first person, shown this once."""
    person, settings = someone(), desk().settings
    with console_connection(settings) as database:
        found = _coming(database, code)
    try:
        login, contact = check_login(text_of("login") or ""), text_of("contact", 200) or ""
        require_nobody({"contact": contact})
        with console_connection(settings) as database:
            id_ = people.add_person(
                database, login, people.MEMBER_ADMINISTRATOR, found.member_id, person.login, now()
            )
            secret = people_links.make_link(database, id_, people_links.JOIN, now())
            onboarding.set_contact(database, found.member_id, contact)
            facts = {
                "person": login,
                "role": people.MEMBER_ADMINISTRATOR,
                "of": found.member_id,
                "contact": contact,
            }
            note_member_act(database, found.member_id, "person.invited", facts, person.login, settings.now())
            found = _found(database, code)
    except HuxinError as error:
        return _page(found, 2, error), error.status or 422
    link = desk().config.address + url_for("joining.show", secret=secret)
    return _page(found, 2, link=(login, link))


@blueprint.post("/<code>/onboarding/keys")
def keys(code: str) -> tuple[str, int] | AnyResponse:
    """The third: a public key, or none for now."""
    with console_connection(desk().settings) as database:
        found = _coming(database, code)
    try:
        with console_connection(desk().settings) as database:
            if text_of("later"):
                onboarding.put_keys_off(database, found.member_id)
            else:
                row = member_row(database, code)
                assert row is not None
                register_key(database, row)
    except HuxinError as error:
        return _page(found, 3, error), error.status or 422
    return redirect(url_for("onboarding.show", code=code), 303)


@blueprint.post("/<code>/onboarding/test")
def test(code: str) -> tuple[str, int] | str:
    """The fourth: checks a file; nothing of it is filed or kept."""
    with console_connection(desk().settings) as database:
        found = _coming(database, code)
    try:
        told = check_test(code, request)
        found = keep_test(found, told)
    except HuxinError as error:
        if error.status is None or error.status >= 500:
            raise
        return _page(found, 4, error), error.status
    return _page(found, 4, told=told)


@blueprint.post("/<code>/onboarding/activate")
def activate(code: str) -> AnyResponse:
    """From this moment on the member files and asks."""
    person, settings = someone(), desk().settings
    with console_connection(settings) as database:
        found = _coming(database, code)
        if not found.ready:
            raise HuxinError("H2012")
        onboarding.activate(database, found.member_id, person.login, settings.now())
        note_member_act(
            database, found.member_id, "member.activated", {"code": code}, person.login, settings.now()
        )
    say(gettext("会员已启用，可以报送和查询。"))
    return redirect(url_for("members.one", code=code), 303)


def template_file(kind: str) -> Response:
    """One of TEMPLATES; 404 for any other."""
    if kind not in TEMPLATES:
        abort(404)
    file = schema_root() / "loan" / "v1" / "templates" / TEMPLATES[kind]
    return send_file(file, as_attachment=True, download_name=TEMPLATES[kind])


def keep_test(found: Onboarding, told: Told) -> Onboarding:
    """Puts on record how a test file ended; the member as it stands then."""
    person, settings = someone(), desk().settings
    tested = told.tested
    with console_connection(settings, None if person.operator else person.member_id) as database:
        onboarding.note_test(database, found.member_id, tested, person.login, settings.now())
        facts = {
            "code": found.code,
            "passed": tested.passed,
            "rows": tested.rows,
            "rejected": tested.rejected,
        }
        facts |= {"sha256": tested.sha256.hex(), "ruleset": tested.ruleset}
        note_member_act(database, found.member_id, "member.tested", facts, person.login, settings.now())
        return _found(database, found.code)


def _found(database: Connection, code: str) -> Onboarding:
    found = onboarding.find_onboarding(database, code)
    if found is None:
        abort(404)
    return found


def _coming(database: Connection, code: str) -> Onboarding:
    """HuxinError H2011 where the member is active already."""
    found = _found(database, code)
    if found.status != ONBOARDING:
        raise HuxinError("H2011")
    return found


def _first(wrong: HuxinError | None = None) -> str:
    return render_template(
        "onboarding_new.html",
        wrong=for_operators(wrong, texts.language()) if wrong else None,
        kinds=list(KINDS.items()),
        form=request.form,
        steps=STEPS,
        done=(False,) * 4,
        step=1,
        code=None,
    )


def _page(
    found: Onboarding,
    step: int,
    wrong: HuxinError | None = None,
    link: tuple[str, str] | None = None,
    told: Told | None = None,
) -> str:
    values: dict[str, Any] = {"outcome": outcome(told), "groups": told.groups} if told else {}
    return render_template(
        "onboarding_one.html",
        found=found,
        code=found.code,
        step=min(step, 4),
        steps=STEPS,
        done=found.done,
        wrong=for_operators(wrong, texts.language()) if wrong else None,
        link=link,
        told=told,
        make=make_key(found.code),
        severities=SEVERITIES,
        form=request.form,
        **values,
    )
