"""Members: the list, and one with its data, tier, quotas, keys and people; what two persons decide is proposed here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from huxin.console import acts, texts, xlsx
from huxin.console.acts import Act
from huxin.console.asked import day_of, id_of, one_of, text_of
from huxin.console.data_words import PURPOSES
from huxin.console.desk import desk
from huxin.console.flashes import say
from huxin.console.member_words import ACTS as ACT_WORDS
from huxin.console.member_words import KINDS, STATUSES, TIERS, told_facts
from huxin.console.pages import Entry
from huxin.console.pages.home import Todo
from huxin.console.pages.my_keys import SCOPE_WORDS
from huxin.console.pages.people import STATES
from huxin.console.paging import SIZE, Column, cursor, page_of
from huxin.console.visitor import now, someone
from huxin.errors import HuxinError, for_operators
from huxin.ids import new_id
from huxin.oversight import members as keeping
from huxin.oversight.alarms import Wanted
from huxin.oversight.caller_keys import read_public, register
from huxin.registry import approvals
from huxin.registry.console_members import (
    MemberRow,
    limits_of,
    member_row,
    search_members,
    status_counts,
)
from huxin.registry.credentials import SCOPES, list_credentials, revoke_credential
from huxin.registry.limits import Limit
from huxin.registry.member_acts import member_acts, note_member_act
from huxin.registry.onboardings import ONBOARDING, count_onboarding
from huxin.registry.people import ADMINISTRATOR, OF_MEMBERS, Person, list_people
from huxin.registry.policies import policy_on
from huxin.registry.session import console_connection

if TYPE_CHECKING:
    from sqlalchemy import Connection

blueprint = Blueprint("members", __name__, url_prefix="/members")
MENU = (Entry("members.show", _l("会员"), icon="building", order=5),)
_MOST = 5_000
_PEM = 4_000
_FAULTS = 422


def _status(wanted: str, status: str, topic: str) -> Any:
    def carry_out(database: Connection, argument: Mapping[str, Any]) -> None:
        keeping.change_status(
            database, str(argument["member"]), (wanted, status), topic, someone().login, desk().settings.now()
        )

    return carry_out


def _tier(database: Connection, argument: Mapping[str, Any]) -> None:
    settings = desk().settings
    keeping.change_tier(
        database,
        str(argument["member"]),
        str(argument["tier"]),
        someone().login,
        settings.now(),
        settings.today(),
    )


# Who may act, and what a member sees of others' borrowers, is decided by two. A limit only narrows what two have
# agreed to (the policy's quota), so that one may set it at once and lift it again.
ACTS = (
    Act("member.suspend", _l("暂停会员"), _status("active", "suspended", "member.suspended")),
    Act("member.resume", _l("恢复会员"), _status("suspended", "active", "member.resumed")),
    Act("member.tier", _l("更改互惠等级"), _tier),
)


def what_waits(person: Person) -> Iterator[Todo]:
    """Members on their way in."""
    if person.role == ADMINISTRATOR:
        with console_connection(desk().settings) as database:
            coming = count_onboarding(database)
        yield Todo(
            coming, _l("家会员正在登记，尚未启用"), url_for("members.show", status=ONBOARDING), "yellow"
        )


@blueprint.get("")
def show() -> str:
    """Members by code; those whose code or name has what is looked for, of a status, of a tier."""
    with console_connection(desk().settings) as database:
        found = search_members(database, *_sought(), cursor(), SIZE + 1)
        counts = status_counts(database)
    return render_template(
        "members.html",
        page=page_of(found, lambda each: each.code),
        columns=[Column(words, numeric=number > 4) for number, words in enumerate(_heads())],
        counts=counts,
        statuses=STATUSES,
        kinds=KINDS,
        tiers=TIERS,
        asked={name: request.args.get(name, "") for name in ("q", "status", "tier")},
    )


@blueprint.get("/export")
def export() -> Response:
    """The same list as a workbook, up to five thousand rows."""
    with console_connection(desk().settings) as database:
        found = search_members(database, *_sought(), None, _MOST)
    rows = (
        [
            m.code,
            m.name,
            STATUSES[m.status].words if m.status in STATUSES else m.status,
            KINDS.get(m.kind, m.kind),
            TIERS.get(m.tier, m.tier),
            m.as_of_date,
            m.keys,
            m.people,
        ]
        for m in found
    )
    return xlsx.download(gettext("会员"), [_l("代码"), _l("名称"), *_heads()[1:]], rows, _MOST)


@blueprint.get("/<code>")
def one(code: str) -> str:
    """One member, and what may be done."""
    return _page(code)


@blueprint.post("/<code>/data")
def data(code: str) -> tuple[str, int] | Response:
    """Another name or kind."""
    wrong = None
    with console_connection(desk().settings) as database:
        found = _found(database, code)
        name, kind = text_of("name", 128) or "", text_of("kind") or ""
        try:
            keeping.change_data(database, found, name, kind, someone().login, _now())
        except HuxinError as error:
            wrong = error
    return _after(code, wrong, gettext("已保存。"))


@blueprint.post("/<code>/propose")
def propose(code: str) -> Response:
    """Puts up for another person: to suspend, to take back, another tier."""
    name = one_of("act", [act.name for act in ACTS])
    with console_connection(desk().settings) as database:
        found = _found(database, code)
    if name is None or (name == "member.tier" and (text_of("tier") or "") not in _tiers()):
        abort(400)
    argument = {"member": code} | ({"tier": text_of("tier")} if name == "member.tier" else {})
    acts.propose(name, argument, text_of("reason", 300) or "", found.id)
    say(gettext("已提出，须由另一位管理员复核。"), "info")
    return redirect(url_for("members.one", code=code), 303)


@blueprint.post("/<code>/limits")
def limit(code: str) -> tuple[str, int] | Response:
    """Limits what the member may ask for a purpose, more tightly than the policy; or lifts that again."""
    wanted = Wanted(text_of("purpose") or "", _number("per_minute"), _number("per_day"), day_of("until"))
    wrong = None
    with console_connection(desk().settings) as database:
        found = _found(database, code)
        try:
            if text_of("lift"):
                keeping.lift_limit(database, found, wanted.purpose, someone().login, _now())
            else:
                keeping.set_limit(database, found, wanted, someone().login, _now())
        except HuxinError as error:
            wrong = error
    return _after(
        code, wrong, gettext("已恢复规则的限额。") if text_of("lift") else gettext("已收紧限额。"), "quotas"
    )


@blueprint.post("/<code>/keys")
def add_key(code: str) -> tuple[str, int] | Response:
    """Registers the public half of a key that the member has made."""
    wrong = None
    try:
        with console_connection(desk().settings) as database:
            register_key(database, _found(database, code))
    except HuxinError as error:
        wrong = error
    return _after(code, wrong, gettext("已登记公钥。"), "keys")


@blueprint.post("/<code>/keys/<uuid:id_>/revoke")
def revoke(code: str, id_: UUID) -> Response:
    """Ends a key for good."""
    with console_connection(desk().settings) as database:
        found = _found(database, code)
        if id_ not in {each.id for each in list_credentials(database, code) if not each.revoked_at}:
            abort(404)
        revoke_credential(database, id_, _now())
        facts = {"holder": code, "key": str(id_)}
        note_member_act(database, found.id, "credential.revoked", facts, someone().login, _now())
    say(gettext("已吊销，其令牌数秒内失效。"))
    return redirect(url_for("members.one", code=code, _anchor="keys"), 303)


def register_key(database: Connection, found: MemberRow) -> None:
    """Registers the public key of the form. HuxinError H1130, H1133."""
    public = read_public((text_of("pem", _PEM) or "").encode(), gettext("所填内容"))
    made = register(database, desk().settings, new_id(), found.code, "member", public, SCOPES)
    facts = {"holder": found.code, "role": "member", "key": str(made.id), "scopes": list(made.scopes)}
    note_member_act(database, found.id, "credential.added", facts, someone().login, _now())


def _page(code: str, wrong: HuxinError | None = None) -> str:
    settings = desk().settings
    with console_connection(settings) as database:
        found = _found(database, code)
        limits = limits_of(database, found.id)
        keys = list_credentials(database, code)
        people = list_people(database, found.id, most=SIZE)
        waiting = [a for a in approvals.open_approvals(database, now()) if a.member_id == found.id]
        done = member_acts(database, found.id, id_of(cursor()), SIZE + 1)
    return render_template(
        "members_one.html",
        found=found,
        wrong=for_operators(wrong, texts.language()) if wrong else None,
        quotas=list(_quotas(found, limits)),
        shown_tier=policy_on(settings, settings.today()).tier_shown(
            found.tier, found.as_of_date, settings.today()
        ),
        keys=list(reversed(keys)),
        scopes=SCOPE_WORDS,
        people=people,
        people_states=STATES,
        roles=OF_MEMBERS,
        waiting=waiting,
        known=acts.acts(),
        acts=page_of(done, lambda each: str(each.id)),
        act_words=ACT_WORDS,
        told_facts=told_facts,
        act_columns=[Column(words) for words in (_l("操作"), _l("内容"), _l("操作人"), _l("时间"))],
        statuses=STATUSES,
        kinds=KINDS,
        tiers=TIERS,
        policy_tiers=_tiers(),
    )


def _quotas(found: MemberRow, limits: list[Limit]) -> Iterator[dict[str, Any]]:
    """By purpose: what the policy allows a member that sees what it sees now, and its own limit, if that binds."""
    settings = desk().settings
    policy = policy_on(settings, settings.today())
    tier = policy.tier_shown(found.tier, found.as_of_date, settings.today())
    own = {each.purpose: each for each in limits}
    for purpose in policy.quotas[tier]:
        yield {
            "purpose": purpose,
            "words": PURPOSES.get(purpose, purpose),
            "allowed": policy.quota(tier, purpose),
            "own": own.get(purpose),
            "ended": purpose in own and _ended(own[purpose]),
        }


def _ended(limit: Limit) -> bool:
    return limit.until is not None and limit.until < desk().settings.today()


def _after(
    code: str, wrong: HuxinError | None, words: str, anchor: str | None = None
) -> tuple[str, int] | Response:
    """Back to the member's page, or the page with what was wrong."""
    if wrong is not None:
        if wrong.status is not None and wrong.status >= 500:
            raise wrong
        return _page(code, wrong), wrong.status or _FAULTS
    say(words)
    return redirect(url_for("members.one", code=code, _anchor=anchor), 303)


def _found(database: Connection, code: str) -> MemberRow:
    found = member_row(database, code)
    if found is None:
        abort(404)
    return found


def _tiers() -> list[str]:
    settings = desk().settings
    return list(policy_on(settings, settings.today()).tiers)


def _sought() -> tuple[str | None, str | None, str | None]:
    return text_of("q"), one_of("status", STATUSES), one_of("tier", _tiers())


def _number(name: str) -> int | None:
    said = text_of(name) or ""
    return int(said) if said.isascii() and said.isdigit() and len(said) < 9 else None


def _now() -> Any:
    return desk().settings.now()


def _heads() -> list[Any]:
    return [
        _l("会员"),
        _l("状态"),
        _l("机构类型"),
        _l("互惠等级"),
        _l("最新数据日期"),
        _l("有效密钥"),
        _l("可登录人员"),
    ]
