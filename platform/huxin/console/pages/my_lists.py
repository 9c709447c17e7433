"""A member's enquiries and reservations as workbooks; the lists themselves are `my_asking.listed`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from flask import Blueprint, Response
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from huxin.console import xlsx
from huxin.console.desk import desk
from huxin.console.member import enquiry_desk, looking_member
from huxin.console.pages.my_asking import OUTCOMES, PURPOSE_WORDS, STATES
from huxin.enquiry.sealing import ANSWER, opened
from huxin.registry import console_my
from huxin.registry.session import connection

blueprint = Blueprint("my_lists", __name__, url_prefix="/my")
MOST = 5_000
_ENQUIRIES = (
    _l("时间"),
    _l("结论"),
    _l("用途"),
    _l("业务编号"),
    _l("授权编号"),
    _l("查询人员"),
    _l("金额（元）"),
    _l("查询编号"),
)
_RESERVATIONS = (
    _l("占用时间"),
    _l("状态"),
    _l("金额（元）"),
    _l("有效至"),
    _l("借据号"),
    _l("合同号"),
    _l("查询编号"),
)


@blueprint.get("/enquiries/export")
def enquiries() -> Response:
    """Own enquiries, newest first, up to MOST."""
    with connection(desk().settings) as database:
        found = console_my.own_enquiries(database, looking_member().id, None, MOST)
    return xlsx.download(gettext("我的查询"), _ENQUIRIES, _told(found), MOST)


@blueprint.get("/reservations/export")
def reservations() -> Response:
    """Own reservations, newest first, up to MOST."""
    settings = desk().settings
    with connection(settings) as database:
        found = console_my.own_reservations(database, looking_member().id, None, MOST, settings.now())
    rows = (
        [
            each.granted_at,
            STATES[each.state].words,
            each.amount / 100,
            each.expires_at,
            each.loan_no,
            each.contract_no,
            str(each.enquiry_id),
        ]
        for each in found
    )
    return xlsx.download(gettext("授信占用"), _RESERVATIONS, rows, MOST)


def _told(found: Sequence[console_my.OwnEnquiry]) -> Iterator[list[Any]]:
    keys = enquiry_desk().keys.seal_keys if found else ()
    for each in found:
        outcome = json.loads(opened(keys, ANSWER, each.id, each.answer))["outcome"]
        yield [
            each.asked_at,
            OUTCOMES[outcome].words,
            PURPOSE_WORDS.get(each.purpose, each.purpose),
            each.reference,
            each.consent_no,
            each.staff,
            None if each.amount is None else each.amount / 100,
            str(each.id),
        ]
