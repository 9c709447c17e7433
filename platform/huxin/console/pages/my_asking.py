"""Asking by hand about one subject, and the answer at a glance: outcome, reasons, arrears, enquiries, coverage."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse

from huxin.console import texts
from huxin.console.asked import id_of
from huxin.console.data_words import CLASSES, ID_TYPES, PRODUCTS
from huxin.console.desk import desk
from huxin.console.flashes import say
from huxin.console.member import asker, enquiry_desk, looking_member
from huxin.console.pages import Entry
from huxin.console.paging import SIZE, Column, Page, cursor, page_of
from huxin.console.shape import Chip
from huxin.console.visitor import someone
from huxin.enquiry import reservation_acts, reserving
from huxin.enquiry.request import PURPOSES, EnquiryRequest
from huxin.enquiry.sealing import ANSWER, opened
from huxin.enquiry.subject_keys import Person
from huxin.enquiry.timeline import months_told
from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.registry import console_my
from huxin.registry.reservations import Reservation, State
from huxin.registry.session import connection
from huxin_checks.cells import tidy

blueprint = Blueprint("my_asking", __name__, url_prefix="/my")
MENU = (
    Entry("my_asking.form", _l("查询"), icon="search", order=20),
    Entry("my_asking.listed", _l("查询与占用"), icon="list", order=21),
)
PURPOSE_WORDS = {"application": _l("贷款审批"), "guarantee": _l("拟作担保人"), "post_loan": _l("贷后管理")}
OUTCOMES = {
    "eligible": Chip("✓", _l("可受理"), "green"),
    "refer": Chip("!", _l("转人工"), "orange"),
    "ineligible": Chip("✕", _l("不符合"), "red"),
    "H1206": Chip("?", _l("打不开（H1206）"), "red"),
}
LEVELS = {
    "info": Chip("i", _l("提示"), "blue"),
    "refer": Chip("!", _l("转人工"), "orange"),
    "ineligible": Chip("✕", _l("不符合"), "red"),
}
STATES = {
    State.EXPIRED: Chip(0, _l("已过期")),
    State.GRANTED: Chip(1, _l("占用中"), "green"),
    State.CONVERTED: Chip(2, _l("已放款，待报送"), "blue"),
    State.RELEASED: Chip(3, _l("已撤回")),
    State.ENDED: Chip(4, _l("已结束")),
}
GRADES = {
    "none": _l("没有借款记录"),
    "identifier": _l("没有姓名可比"),
    "full": _l("姓名一致"),
    "partial": _l("部分一致"),
    "differs": _l("不一致"),
}
# The answer counts within windows; what lies between two of them is what happened so long ago.
_AGES = (
    ("d7", _l("近 7 天")),
    ("d15", _l("8 至 15 天前")),
    ("d30", _l("16 至 30 天前")),
    ("d90", _l("31 至 90 天前")),
    ("d180", _l("91 至 180 天前")),
    ("d365", _l("181 至 365 天前")),
)
_KEY = re.compile(r"[A-Za-z0-9-]{8,64}")
# Which field a refusal is about; others stand above the form.
_FIELD_OF = {"H0801": "id_no", "H0803": "id_type", "H1201": "consent_until"}
_WORDS_MOST = 64
_HEADS = (
    Column(_l("时间")),
    Column(_l("结论")),
    Column(_l("用途")),
    Column(_l("业务编号")),
    Column(_l("授权编号")),
    Column(_l("查询人员")),
    Column(_l("金额（元）"), numeric=True),
)
_HELD = (
    Column(_l("占用时间")),
    Column(_l("状态")),
    Column(_l("金额（元）"), numeric=True),
    Column(_l("有效至")),
    Column(_l("借据号或合同号")),
    Column(_l("办理")),
)


@blueprint.get("/ask")
def form() -> str:
    """The form."""
    return _form({}, str(new_id()))


@blueprint.post("/ask")
def ask() -> str | tuple[str, int] | AnyResponse:
    """Asks once, however often the form is sent; the answer has a page of its own."""
    said = {name: value.strip() for name, value in request.form.items()}
    key = said.get("key", "")
    wanted, wrong = _request(said)
    if wanted is None or not _KEY.fullmatch(key):
        return _form(said, key or str(new_id()), wrong), 422
    try:
        told = enquiry_desk().enquire(asker(), wanted, key)
    except HuxinError as error:
        if error.status is None or error.status >= 500:
            raise
        words = error.text(texts.language())
        # Another question under the same key is the same form, changed.
        fresh = str(new_id()) if error.code == "H1202" else key
        return _form(said, fresh, {_FIELD_OF.get(error.code, ""): words}), error.status
    return redirect(url_for("my_asking.answer", id_=json.loads(told.content)["enquiry_id"]), 303)


@blueprint.get("/enquiries/<uuid:id_>")
def answer(id_: UUID) -> str:
    """An own enquiry's answer as it was told."""
    member = looking_member()
    told = json.loads(enquiry_desk().reread(member.id, id_))
    return render_template(
        "my_asking_answer.html",
        told=told,
        held=_held_of(member.id, id_),
        **_answer_words(told),
        **_arrears(member.id, id_),
    )


@blueprint.get("/enquiries/<uuid:id_>/receipt")
def receipt(id_: UUID) -> Response:
    """The proof that the answer stands in the audit log."""
    found = enquiry_desk().receipt(looking_member().id, id_)
    headers = {"Content-Disposition": f'attachment; filename="receipt-{id_}.json"'}
    return Response(
        json.dumps(found, ensure_ascii=False, indent=1), mimetype="application/json", headers=headers
    )


@blueprint.get("/enquiries")
def listed() -> str:
    """Own enquiries and reservations, newest first."""
    member = looking_member()
    with connection(desk().settings) as database:
        found = console_my.own_enquiries(database, member.id, id_of(cursor()), SIZE + 1)
        before = id_of(request.args.get("held"))
        held = console_my.own_reservations(database, member.id, before, SIZE + 1, desk().settings.now())
    # Keys are read where there is something to open.
    keys = enquiry_desk().keys.seal_keys if found else ()
    outcomes = {each.id: _outcome(keys, each.id, each.answer) for each in found}
    page = page_of(found, lambda each: str(each.id))
    return render_template(
        "my_asking_listed.html",
        page=page,
        columns=_HEADS,
        outcomes=outcomes,
        held=Page(held[:SIZE], None, True),
        older=held[SIZE - 1].id if len(held) > SIZE else None,
        heads=_HELD,
        **_words(),
    )


@blueprint.post("/enquiries/<uuid:id_>/reserve")
def reserve(id_: UUID) -> AnyResponse:
    """Holds an amount for a loan that was approved."""
    amount = _cents(request.form.get("amount", ""))
    key = request.form.get("key", "")
    product = request.form.get("product") or None
    if amount is None or not amount or not _KEY.fullmatch(key) or product not in (None, *PRODUCTS):
        abort(400)
    reserving.reserve(enquiry_desk(), asker(), reserving.ReservationRequest(id_, amount, product), key)
    say(gettext("已占用，立即对所有会员生效。"))
    return redirect(url_for("my_asking.answer", id_=id_), 303)


@blueprint.post("/reservations/<uuid:id_>/release")
def release(id_: UUID) -> AnyResponse:
    """Gives it back."""
    reservation_acts.release(enquiry_desk(), asker(), id_)
    say(gettext("已撤回占用。"))
    return redirect(url_for("my_asking.listed"), 303)


@blueprint.post("/reservations/<uuid:id_>/convert")
def convert(id_: UUID) -> AnyResponse:
    """Says that the money has left, and under which number the loan will be reported."""
    number = tidy(request.form.get("loan_no", ""))  # as the night cleans the file's
    if number is None or len(number) > _WORDS_MOST:
        abort(400)
    reservation_acts.convert(enquiry_desk(), asker(), id_, number, None)
    say(gettext("已登记放款，等待报送。"))
    return redirect(url_for("my_asking.listed"), 303)


def _request(said: Mapping[str, str]) -> tuple[EnquiryRequest | None, dict[str, str]]:
    """The question of a form, or what is wrong by field."""
    wrong: dict[str, str] = {}
    for name in ("id_no", "consent_no", "reference"):
        if not said.get(name) or len(said[name]) > _WORDS_MOST:
            wrong[name] = gettext("必填，最多 64 个字。")
    until, amount = _day(said.get("consent_until", "")), _cents(said.get("amount", ""))
    if until is None:
        wrong["consent_until"] = gettext("请填写日期。")
    if said.get("amount") and amount is None:
        wrong["amount"] = gettext("请填写金额，最多两位小数。")
    if said.get("id_type") == "passport" and not re.fullmatch("[A-Z]{3}", said.get("id_country", "")):
        wrong["id_country"] = gettext("护照请填三位大写国家代码，如 JPN。")
    known = said.get("purpose") in PURPOSES and said.get("id_type") in ID_TYPES
    if wrong or until is None or not known or (said.get("product") or "consumer") not in PRODUCTS:
        return None, wrong or {"": gettext("请从列表中选择。")}
    country = said.get("id_country") if said["id_type"] == "passport" else None
    person = Person(
        said["id_type"], said["id_no"], country or None, said.get("name") or None, said.get("mobile") or None
    )
    asked = EnquiryRequest(
        person,
        said["purpose"],
        said["consent_no"],
        until,
        someone().login,
        said["reference"],
        amount,
        said.get("product") or None,
    )
    return asked, wrong


def _form(said: Mapping[str, str], key: str, wrong: dict[str, str] | None = None) -> str:
    return render_template(
        "my_asking_ask.html",
        said=said,
        key=key,
        wrong=wrong or {},
        types=ID_TYPES,
        purposes=PURPOSE_WORDS,
        products=PRODUCTS,
    )


def _answer_words(told: Mapping[str, Any]) -> dict[str, Any]:
    """What the page makes of an answer; nothing beyond it."""
    counts = told.get("enquiries", {}).get("by_subject")
    ages = _ages(counts) if counts else []
    option = {
        "xAxis": {"type": "category", "data": [str(words) for words, *_ in ages]},
        "yAxis": {"type": "value", "minInterval": 1},
        "legend": {},
        "tooltip": {},
        "series": [
            {
                "type": "bar",
                "stack": "all",
                "name": gettext("其他机构"),
                "data": [others for _, _, others in ages],
            },
            {"type": "bar", "stack": "all", "name": gettext("本机构"), "data": [own for _, own, _ in ages]},
        ],
    }
    return {"ages": ages, "option": option, "key": str(new_id()), **_words()}


def _arrears(member_id: int, id_: UUID) -> dict[str, Any]:
    """The months before the enquiry; `gone` where their history is no longer held, None where the tier sees none."""
    try:
        months = months_told(enquiry_desk(), member_id, id_)
    except HuxinError as error:
        if error.code not in ("H1217", "H1513"):
            raise
        return {"months": [], "gone": True, "paid_option": None}
    option = {
        "xAxis": {"type": "category", "data": [f"{each.first:%Y-%m}" for each in months or ()]},
        "yAxis": {"type": "value", "minInterval": 1, "name": gettext("天")},
        "legend": {},
        "tooltip": {},
        "series": [
            {"type": "bar", "name": gettext("其他机构"), "data": [each.others for each in months or ()]},
            {"type": "bar", "name": gettext("本机构"), "data": [each.own for each in months or ()]},
        ],
    }
    return {"months": months, "gone": False, "paid_option": option}


def _ages(counts: Mapping[str, Any]) -> list[tuple[Any, int, int]]:
    """(when, own, others') from the present backwards, each enquiry once."""
    found, own, others = [], 0, 0
    for name, words in _AGES:
        window = counts[name]
        found.append((words, window["own"] - own, window["others"] - others))
        own, others = window["own"], window["others"]
    return found


def _outcome(keys: Sequence[AESGCM], id_: UUID, answer: bytes) -> str:
    """What an answer came to, or the code of why it does not open: one that is damaged hides none of the others."""
    try:
        return str(json.loads(opened(keys, ANSWER, id_, answer))["outcome"])
    except HuxinError as error:
        return error.code


def _held_of(member_id: int, enquiry_id: UUID) -> list[Reservation]:
    with connection(desk().settings) as database:
        return console_my.reservations_of(database, member_id, enquiry_id, desk().settings.now())


def _words() -> dict[str, Any]:
    return {
        "outcome_chips": OUTCOMES,
        "levels": LEVELS,
        "states": STATES,
        "classes": CLASSES,
        "grades": GRADES,
        "purposes": PURPOSE_WORDS,
        "products": PRODUCTS,
        "granted": State.GRANTED,
        "changeable": (State.GRANTED, State.CONVERTED),
        "now": desk().settings.now(),
    }


def _day(said: str) -> date | None:
    try:
        return date.fromisoformat(said)
    except ValueError:
        return None


def _cents(said: str) -> int | None:
    """Cents of an amount in yuan with at most two decimals; None for anything else."""
    if not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,2})?", said.replace(",", "")):
        return None
    try:
        return int(Decimal(said.replace(",", "")).scaleb(2))
    except InvalidOperation:
        return None
