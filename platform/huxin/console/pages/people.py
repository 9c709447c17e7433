"""Who may sign in: invitations, roles, the end of access, and back in by two persons."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse

from huxin.console import acts, xlsx
from huxin.console.acts import Act
from huxin.console.credentials import check_login
from huxin.console.desk import desk
from huxin.console.flashes import say
from huxin.console.pages import Entry
from huxin.console.paging import SIZE, Column, cursor, page_of
from huxin.console.roles import WORDS
from huxin.console.shape import Chip
from huxin.console.visitor import now, someone
from huxin.errors import HuxinError
from huxin.registry import people, people_links, people_sessions
from huxin.registry.audit_acts import note_act
from huxin.registry.members import find_member
from huxin.registry.people import Person
from huxin.registry.session import console_connection
from huxin.settings import SHANGHAI

if TYPE_CHECKING:
    from sqlalchemy import Connection

blueprint = Blueprint("people", __name__)
MENU = (Entry("people.show", _l("人员"), icon="users", order=80),)
LONGEST_DAYS = 366
STATES = {
    people.INVITED: Chip(1, _l("已邀请，尚未加入"), "yellow"),
    people.ACTIVE: Chip(2, _l("可以登录"), "green"),
    people.CLOSED: Chip(3, _l("已停用"), "secondary"),
}


def _recover(database: Connection, argument: Mapping[str, Any]) -> str:
    person = _named(database, argument)
    if person.id == someone().id:  # his word for himself is not a second one
        raise HuxinError("H2008")
    people_sessions.end_all(database, person.id)
    purpose = people_links.RECOVER if person.state == people.ACTIVE else people_links.JOIN
    return _address(people_links.make_link(database, person.id, purpose, now()))


def _make_administrator(database: Connection, argument: Mapping[str, Any]) -> str:
    id_ = people.add_person(
        database, argument["person"], people.ADMINISTRATOR, people.NO_MEMBER, "two", now()
    )
    return _address(people_links.make_link(database, id_, people_links.JOIN, now()))


# Whoever could make administrators alone could be both persons of any other act.
ACTS = (
    Act("person.recover", _l("为人员重新开通登录"), _recover),
    Act("person.administrator", _l("增加管理员"), _make_administrator),
)


@blueprint.get("/people")
def show() -> str:
    """All persons, or those of the member whose administrator asks."""
    return render_template("people.html", page=_page(), states=STATES, columns=_columns(), now=now())


@blueprint.get("/people.xlsx")
def export() -> Response:
    """The list as a workbook."""
    with console_connection(desk().settings) as database:
        found = people.list_people(database, _scope(), most=xlsx.MOST)
    rows = (
        [p.login, WORDS[p.role], p.member, STATES[p.state].words, p.valid_until, p.seen_at] for p in found
    )
    return xlsx.download("people", [column.label for column in _columns()], rows)


@blueprint.get("/people/new")
def new() -> str:
    """The form of an invitation."""
    return _form()


@blueprint.post("/people")
def invite() -> str | tuple[str, int] | AnyResponse:
    """Makes the person and shows the link, this once. An administrator is proposed to a second one."""
    try:
        login, role = check_login(request.form.get("login", "").strip()), _role(request.form.get("role", ""))
        if role == people.ADMINISTRATOR:
            acts.propose("person.administrator", {"person": login}, request.form.get("reason", ""))
            say(gettext("增加管理员须由另一位管理员复核。"), "info")
            return redirect(url_for("approvals.show"), 303)
        return _link(login, _invited(login, role, _until(role)))
    except HuxinError as error:
        return _form(error), error.status or 422


@blueprint.get("/people/<uuid:id_>")
def one(id_: UUID) -> str:
    """One person, and what may be done."""
    found = _found(id_)
    return render_template(
        "people_one.html", found=found, states=STATES, roles=_roles(found), now=now(), by_two=_by_two(found)
    )


@blueprint.post("/people/<uuid:id_>/role")
def change(id_: UUID) -> AnyResponse:
    """Another role of the same kind; the person's sessions end, so that none goes on with the old one."""
    found, role = _found(id_), request.form.get("role", "")
    if role not in _roles(found) or found.id == someone().id:
        abort(403)
    until = _until(role)
    with console_connection(desk().settings) as database:
        people.set_role(database, found.id, role, until)
        people_sessions.end_all(database, found.id)
        facts = {"person": found.login, "role": role, "until": until.isoformat() if until else None}
        note_act(database, "person.role", facts | {"by": someone().login}, desk().settings.now())
    say(gettext("已更改角色。"))
    return redirect(url_for("people.one", id_=id_), 303)


@blueprint.post("/people/<uuid:id_>/close")
def close(id_: UUID) -> AnyResponse:
    """No access from this moment on; links and sessions end with it."""
    found = _found(id_)
    if found.id == someone().id:
        abort(403)
    with console_connection(desk().settings) as database:
        people.set_state(database, found.id, people.CLOSED)
        people_sessions.end_all(database, found.id)
        note_act(
            database, "person.closed", {"person": found.login, "by": someone().login}, desk().settings.now()
        )
    say(gettext("已停用，登录立即失效。"))
    return redirect(url_for("people.one", id_=id_), 303)


@blueprint.post("/people/<uuid:id_>/link")
def link(id_: UUID) -> str:
    """Another link for who has not joined yet; the earlier one ends. An administrator's takes two (`recover`)."""
    found = _found(id_)
    if found.state != people.INVITED or found.role == people.ADMINISTRATOR:
        abort(403)
    with console_connection(desk().settings) as database:
        secret = people_links.make_link(database, found.id, people_links.JOIN, now())
        facts = {"person": found.login, "role": found.role, "by": someone().login}
        note_act(database, "person.invited", facts, desk().settings.now())
    return _link(found.login, _address(secret))


@blueprint.post("/people/<uuid:id_>/recover")
def recover(id_: UUID) -> AnyResponse:
    """Proposes to let somebody back in who has lost password or phone; an administrator has to agree.

    So it is with an administrator who has lost the link of his invitation: whoever could renew it alone could join
    in his place, and be both persons of any act.
    """
    found = _found(id_)
    if not _by_two(found):
        abort(403)
    acts.propose("person.recover", {"person": found.login}, request.form.get("reason", ""), found.member_id)
    say(gettext("已提出，须由另一位管理员复核。"), "info")
    return redirect(url_for("people.one", id_=id_), 303)


def _page() -> Any:
    with console_connection(desk().settings) as database:
        found = people.list_people(database, _scope(), cursor(), SIZE + 1)
    return page_of(found, lambda person: person.login)


def _columns() -> list[Column]:
    names = (_l("用户名"), _l("角色"), _l("会员"), _l("状态"), _l("权限截止"), _l("最近登录"))
    return [Column(name) for name in names]


def _scope() -> int | None:
    """Whose persons the visitor may see: None is everybody's."""
    person = someone()
    return None if person.operator else person.member_id


def _found(id_: UUID) -> Person:
    """404 for another member's staff as for nobody."""
    with console_connection(desk().settings) as database:
        found = people.find_person(database, id_)
    if found is None or _scope() not in (None, found.member_id):
        abort(404)
    return found


def _roles(found: Person) -> tuple[str, ...]:
    """Roles that this person may be given; administrators are made by two."""
    if not found.operator:
        return people.OF_MEMBERS
    return tuple(role for role in people.OPERATORS if role != people.ADMINISTRATOR or found.role == role)


def _role(role: str) -> str:
    """A role that the visitor may invite to. HuxinError H2003."""
    allowed = people.ROLES if someone().operator else people.OF_MEMBERS
    if role not in allowed:
        raise HuxinError("H2003", role=role[:32])
    return role


def _until(role: str) -> datetime | None:
    """The end of the last day of access, in Shanghai. HuxinError H2009: an auditor's has to end, and soon enough."""
    text = request.form.get("until", "").strip()
    if role != people.AUDITOR:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise HuxinError("H2009", days=LONGEST_DAYS) from None
    end = datetime.combine(day, time(), SHANGHAI) + timedelta(days=1)
    if not now() < end <= now() + timedelta(days=LONGEST_DAYS + 1):
        raise HuxinError("H2009", days=LONGEST_DAYS)
    return end


def _invited(login: str, role: str, until: datetime | None) -> str:
    settings, by = desk().settings, someone()
    with console_connection(settings) as database:
        of = _member_id(database, role, by)
        id_ = people.add_person(database, login, role, of, by.login, now(), until)
        secret = people_links.make_link(database, id_, people_links.JOIN, now())
        facts = {"person": login, "role": role, "of": of, "by": by.login}
        note_act(database, "person.invited", facts, settings.now())
    return _address(secret)


def _member_id(database: Connection, role: str, by: Person) -> int:
    """The member that the new person is of: a member's administrator invites to his own. HuxinError H0701."""
    if role in people.OPERATORS:
        return people.NO_MEMBER
    if not by.operator:
        return by.member_id
    code = request.form.get("member", "").strip()
    found = find_member(database, code)
    if found is None:
        raise HuxinError("H0701", code=code[:64])
    return found.id


def _named(database: Connection, argument: Mapping[str, Any]) -> Person:
    found = people.find_login(database, argument["person"])
    if found is None or not _by_two(found):
        raise HuxinError("H2004", login=str(argument["person"])[:40])
    return found


def _by_two(found: Person) -> bool:
    """Whether two may give this person another link."""
    return found.state == people.ACTIVE or (
        found.state == people.INVITED and found.role == people.ADMINISTRATOR
    )


def _address(secret: str) -> str:
    return desk().config.address + url_for("joining.show", secret=secret)


def _form(error: HuxinError | None = None) -> str:
    allowed = people.ROLES if someone().operator else people.OF_MEMBERS
    return render_template("people_new.html", roles=allowed, error=error, form=request.form)


def _link(login: str, address: str) -> str:
    return render_template("people_link.html", login=login, address=address)
