"""The second person's word on destroying a key: what hangs on it, and a signature made where the private key is."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from huxin.console import texts
from huxin.console.data_words import ZONES
from huxin.console.desk import desk
from huxin.console.flashes import say
from huxin.console.visitor import someone
from huxin.errors import HuxinError
from huxin.oversight import key_approval
from huxin.oversight.key_retiring import depending
from huxin.registry import key_acts
from huxin.registry.credentials import Credential
from huxin.registry.key_acts import Request
from huxin.registry.session import console_connection
from huxin.zones.layout import rings_of
from huxin_privacy.errors import PrivacyError

blueprint = Blueprint("approvals_keys", __name__, url_prefix="/approvals/keys")
DEPENDING: dict[str, Any] = {
    "aliases": _l("别名"),
    "mobiles": _l("手机号别名"),
    "marks": _l("姓名标记"),
    "submissions": _l("处理中的批次"),
    "checkpoints": _l("已签署的检查点"),
}
_LONGEST = 400


@blueprint.get("/<uuid:id_>")
def show(id_: UUID) -> str:
    """One request, and what is signed to approve it."""
    return _page(id_)


@blueprint.get("/<uuid:id_>/depending")
def left(id_: UUID) -> str:
    """What hangs on the epoch; counting it may take a while, so that the page does not wait for it."""
    asked, _ = _found(id_)
    counts = depending(desk().settings, asked.zone, asked.epoch)
    return render_template(
        "approvals_keys_left.html", counts=vars(counts), words=DEPENDING, total=counts.total
    )


@blueprint.post("/<uuid:id_>/approve")
def approve(id_: UUID) -> tuple[str, int] | Response:
    """Checks the signature, and destroys the epoch."""
    try:
        key_approval.approve_signed(desk().settings, id_, someone().login, _at(), _signature())
    except (HuxinError, PrivacyError) as error:
        status = getattr(error, "status", None) or 409
        if error.code == "H2007" or status >= 500:
            raise
        return _page(id_, error.text(texts.language())), status
    say(gettext("已销毁。请同时删除该区密钥环文件的旧备份，否则密钥并未真正销毁。"))
    return redirect(url_for("approvals.show"), 303)


@blueprint.post("/<uuid:id_>/decline")
def decline(id_: UUID) -> Response:
    """Ends the request; nothing is destroyed."""
    key_approval.decline(desk().settings, id_, someone().login)
    say(gettext("未同意，密钥保留。"), "info")
    return redirect(url_for("approvals.show"), 303)


def _page(id_: UUID, wrong: str | None = None) -> str:
    asked, mine = _found(id_)
    at = desk().settings.now().replace(microsecond=0)
    login = someone().login
    own = asked.requested_by == login or asked.requested_with in {each.id for each in mine}
    said = [
        (str(each.id), each.alg, key_approval.approval_of(asked, login, each.id, at).decode())
        for each in mine
    ]
    return render_template(
        "approvals_keys.html",
        asked=asked,
        at=at.isoformat(),
        minutes=key_approval.SIGNED_WITHIN.seconds // 60,
        said=said,
        own=own,
        zones=ZONES,
        held=asked.zone in rings_of(desk().settings),
        wrong=wrong,
    )


def _found(id_: UUID) -> tuple[Request, list[Credential]]:
    with console_connection(desk().settings) as database:
        waiting = key_acts.open_requests(database, desk().settings.now())
        mine = key_approval.operator_keys(database, someone().login)
    found = next((each for each in waiting if each.id == id_), None)
    if found is None:
        abort(404)
    return found, mine


def _at() -> datetime:
    try:
        found = datetime.fromisoformat(request.form.get("at", ""))
    except ValueError:
        abort(400)
    if found.tzinfo is None:
        abort(400)
    return found


def _signature() -> bytes:
    said = "".join(request.form.get("signature", "")[:_LONGEST].split())
    try:
        return base64.b64decode(said, validate=True)
    except (binascii.Error, ValueError):
        return b""
