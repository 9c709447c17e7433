"""A member's keys for its programs: registering a public half, ending a key, and a first call that works."""

from __future__ import annotations

import os
from uuid import UUID

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse

from huxin.console import texts, xlsx
from huxin.console.desk import desk
from huxin.console.first_call import first_call, make_key
from huxin.console.flashes import say
from huxin.console.member import looking_member, own_member
from huxin.console.pages import Entry
from huxin.console.paging import Column, page_of
from huxin.console.visitor import someone
from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.oversight.caller_keys import read_public, register
from huxin.registry.audit_acts import note_act
from huxin.registry.credentials import SCOPES, list_credentials, revoke_credential
from huxin.registry.session import connection

blueprint = Blueprint("my_keys", __name__, url_prefix="/my/keys")
MENU = (Entry("my_keys.show", _l("接入密钥"), icon="key", order=40),)
SCOPE_WORDS = {
    "enquiries": _l("查询"),
    "reservations": _l("授信占用"),
    "submissions": _l("报送"),
    "audit": _l("存证"),
}
_COLUMNS = (
    Column(_l("密钥编号")),
    Column(_l("算法")),
    Column(_l("权限范围")),
    Column(_l("登记时间")),
    Column(_l("最近使用")),
    Column(_l("状态")),
)
_LONGEST = 4_000


@blueprint.get("")
def show() -> str:
    """The keys, and how to use one."""
    return _page()


@blueprint.post("")
def add() -> tuple[str, int] | AnyResponse:
    """Registers the public half of a key pair; the private one never leaves the member."""
    member, person, settings = own_member(), someone(), desk().settings
    pem, scopes = request.form.get("pem", "")[:_LONGEST], request.form.getlist("scope")
    try:
        public = read_public(pem.encode(), gettext("所填内容"))
        with connection(settings) as database:
            made = register(database, settings, new_id(), member.code, "member", public, scopes)
            facts = {
                "holder": member.code,
                "role": "member",
                "key": str(made.id),
                "scopes": list(made.scopes),
            }
            note_act(database, "credential.added", facts | {"by": person.login}, settings.now())
    except HuxinError as error:
        return _page(pem, error.text(texts.language())), 422
    say(gettext("已登记。下面的命令可直接试用。"))
    return redirect(url_for("my_keys.show", key=made.id), 303)


@blueprint.get("/export")
def export() -> Response:
    """The list as a workbook: what a review of access asks for."""
    with connection(desk().settings) as database:
        found = list_credentials(database, looking_member().code)
    rows = (
        [
            str(each.id),
            each.alg,
            " ".join(str(SCOPE_WORDS.get(name, name)) for name in each.scopes),
            each.created_at,
            each.last_used_at,
            each.revoked_at,
        ]
        for each in found
    )
    head = [*(column.label for column in _COLUMNS[:-1]), gettext("吊销时间")]
    return xlsx.download(gettext("接入密钥"), head, rows)


@blueprint.post("/<uuid:id_>/revoke")
def revoke(id_: UUID) -> AnyResponse:
    """Ends one of the member's keys for good."""
    member, person, settings = own_member(), someone(), desk().settings
    with connection(settings) as database:
        if id_ not in {each.id for each in list_credentials(database, member.code)}:
            abort(404)
        revoke_credential(database, id_, settings.now())
        facts = {"holder": member.code, "key": str(id_), "by": person.login}
        note_act(database, "credential.revoked", facts, settings.now())
    say(gettext("已吊销，其令牌数秒内失效。"))
    return redirect(url_for("my_keys.show"), 303)


def _page(pem: str = "", wrong: str | None = None) -> str:
    member = looking_member()
    with connection(desk().settings) as database:
        found = list_credentials(database, member.code)
    api = os.environ.get("HUXIN_PUBLIC_URL") or "http://127.0.0.1:8000"
    live = [each for each in reversed(found) if each.revoked_at is None]
    return render_template(
        "my_keys.html",
        page=page_of(found, str, size=500),
        columns=_COLUMNS,
        pem=pem,
        wrong=wrong,
        scopes=SCOPE_WORDS,
        every=SCOPES,
        make=make_key(member.code),
        call=first_call(api.rstrip("/"), member.code, str(live[0].id)) if live else "",
    )
