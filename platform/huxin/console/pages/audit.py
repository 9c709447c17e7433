"""The audit log: what was done, leaf by leaf, and a proof that the reader's own browser checks."""

from __future__ import annotations

import json
from functools import lru_cache
from uuid import UUID

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse

from huxin.audit.notes import ZONE, log_keys
from huxin.console import xlsx
from huxin.console.audit_words import FACTS, TOPICS, meaning
from huxin.console.desk import desk
from huxin.console.flashes import say
from huxin.console.pages import Entry
from huxin.console.paging import SIZE, Column, cursor, page_of
from huxin.registry.audit_log import consistency
from huxin.registry.console_audit import Leaf, leaf_with_proof, leaves, number_of, rows_of
from huxin.registry.session import console_connection
from huxin.settings import Settings
from huxin_privacy import keyring

blueprint = Blueprint("audit", __name__)
MENU = (Entry("audit.show", _l("存证日志"), icon="shield-check", order=75),)
_EXPORTED = 10_000
# What the other columns say, or too much for a line.
_HEAD = ("at", "topic", "id", "facts", "member", "answer_sha256")


@blueprint.get("/audit")
def show() -> str | AnyResponse:
    """The log from its newest leaf down; by a record's number straight to its leaf."""
    if request.args.get("id"):
        return _by_id(request.args["id"])
    page = page_of(_leaves(SIZE + 1), lambda leaf: str(leaf.number))
    return render_template(
        "audit.html", page=page, columns=_columns(), topics=TOPICS, topic=_topic(), said=_said
    )


@blueprint.get("/audit.xlsx")
def export() -> Response:
    """What the filter leaves, as a workbook."""
    rows = (
        [n.number, n.recorded_at, TOPICS.get(n.topic, n.topic), n.member, n.record]
        for n in _leaves(_EXPORTED)
    )
    return xlsx.download("audit", [column.label for column in _columns()], rows, _EXPORTED)


@blueprint.get("/audit/<int:number>")
def leaf(number: int) -> str:
    """One leaf, its proof, and the public keys that it is checked with."""
    with console_connection(desk().settings) as database:
        found = leaf_with_proof(database, number)
    if found is None:
        abort(404)
    leaf_, proof = found
    record = json.loads(leaf_.record) if leaf_.record else {}
    keys = "\n".join(public_keys(desk().settings))
    return render_template(
        "audit_leaf.html",
        leaf=leaf_,
        proof=proof,
        record=record,
        keys=keys,
        topics=TOPICS,
        facts=FACTS,
        meaning=meaning,
    )


@blueprint.get("/audit/growth")
def growth() -> Response:
    """The proof that the log of `to` leaves begins with that of `from`, as JSON. HuxinError H1310."""
    try:
        sizes = int(request.args.get("from", "")), int(request.args.get("to", ""))
    except ValueError:
        abort(400)
    with console_connection(desk().settings) as database:
        return Response(json.dumps(consistency(rows_of(database), *sizes)), mimetype="application/json")


@lru_cache(maxsize=4)
def public_keys(settings: Settings) -> tuple[str, ...]:
    """The log's public keys, one a line; only these are kept of the keyring."""
    return tuple(key.text for key in log_keys(keyring.open(settings.keys_dir, ZONE)).verifiers)


def _by_id(text: str) -> AnyResponse:
    try:
        id_ = UUID(text.strip())
    except ValueError:
        id_ = None
    with console_connection(desk().settings) as database:
        number = number_of(database, id_) if id_ else None
    if number is None:
        say(gettext("存证日志中没有这个编号。刚发生的事项最迟一分钟后写入。"), "warning")
        return redirect(url_for("audit.show"), 303)
    return redirect(url_for("audit.leaf", number=number), 303)


def _leaves(most: int) -> list[Leaf]:
    after = cursor()
    if after is not None and not (after.isascii() and after.isdigit() and len(after) < 19):
        abort(400)
    with console_connection(desk().settings) as database:
        return leaves(database, _topic(), None if after is None else int(after), most)


def _topic() -> str | None:
    topic = request.args.get("topic")
    return topic if topic in TOPICS else None


def _said(record: str) -> str:
    """A record's facts in words, as far as there are words: the whole of it stands on the leaf's own page."""
    facts = json.loads(record)
    told = [(name, meaning(name, facts[name]) or facts[name]) for name in FACTS if name in facts]
    known = [f"{FACTS[name]} {value}" for name, value in told if name not in _HEAD]
    return " · ".join(known) or record


def _columns() -> list[Column]:
    names = (_l("序号"), _l("时间"), _l("事项"), _l("会员"), _l("内容"))
    return [Column(names[0], numeric=True), *(Column(name) for name in names[1:])]
