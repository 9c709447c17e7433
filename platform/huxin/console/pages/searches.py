"""Enquiries as operators look them up: by who asked, why and when; by a person only with a reason, on record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from huxin.console import xlsx
from huxin.console.asked import day_of, id_of, midnight, text_of
from huxin.console.data_words import ID_TYPES, PRODUCTS, PURPOSES, product
from huxin.console.desk import desk
from huxin.console.pages import Entry
from huxin.console.paging import SIZE, Column, Page, cursor
from huxin.console.texts import language
from huxin.console.visitor import someone
from huxin.enquiry import searching
from huxin.enquiry.check_words import typed
from huxin.enquiry.looking import entry_object
from huxin.enquiry.searching import REASONS, Act, Wanted
from huxin.errors import HuxinError
from huxin.registry.enquiry_book import Entry as Found

blueprint = Blueprint("searches", __name__)
MENU = (Entry("searches.show", _l("查询检索"), icon="search", order=40),)
_FIELDS = ("member", "staff", "purpose", "consent_no", "handle")
_MOST = 5_000
_TOLD = (
    "enquiry_id",
    "asked_at",
    "member",
    "by",
    "purpose",
    "staff",
    "reference",
    "consent_no",
    "product",
    "amount",
)
_WORDS: dict[str, dict[str, Any]] = {
    "by": {"member": _l("会员"), "operator": _l("运营人员")},
    "purpose": PURPOSES,
    "product": PRODUCTS,
}
_KEPT = (*_FIELDS, "reason", "reference", "id_type", "id_no", "id_country")


@blueprint.get("/enquiries")
def show() -> str:
    """Enquiries of all members, the newest first, of the days and by the fields asked for."""
    wrong, page = None, Page[Found]([], None, True)
    try:
        found = searching.find(desk().settings, _wanted(), id_of(cursor()), SIZE)
        page = Page(found.entries, str(found.next) if found.next else None, cursor() is None)
    except HuxinError as error:
        wrong = _told(error)
    return _page(page, wrong=wrong)


@blueprint.get("/enquiries/export")
def export() -> Response:
    """The same as a workbook, up to five thousand rows; no subject is named in it."""
    entries: list[Found] = []
    after = None
    while len(entries) < _MOST:
        found = searching.find(desk().settings, _wanted(), after, searching.MOST)
        entries += found.entries
        after = found.next
        if after is None:
            break
    names = (
        _l("查询编号"),
        _l("时间"),
        _l("机构"),
        _l("查询方"),
        _l("用途"),
        _l("查询人员"),
        _l("业务编号"),
        _l("授权编号"),
        _l("产品"),
        _l("金额（元）"),
    )
    rows = ([_said(told, key) for key in _TOLD] for told in map(entry_object, entries))
    return xlsx.download(gettext("查询检索"), names, rows, _MOST)


def _said(told: Mapping[str, Any], key: str) -> Any:
    """A fact of an enquiry in words, where there are words for it."""
    return _WORDS.get(key, {}).get(told[key], told[key])


@blueprint.post("/enquiries/person")
def person() -> tuple[str, int] | str:
    """Who asked about the person typed in. The identifier is in no address, and on the page in its own field alone."""
    act = Act(someone().login, text_of("reason") or "", text_of("reference"))
    try:
        who = typed(text_of("id_type") or "", text_of("id_no") or "", text_of("id_country"), None, None)
        found = searching.find_about(desk().settings, who, _wanted(), act, id_of(text_of("after")), SIZE)
    except HuxinError as error:
        return _page(Page([], None, True), wrong_person=_told(error), searched=True), 422
    page = Page(found.entries, None, True)
    return _page(page, searched=True, more=found.next)


def _told(error: HuxinError) -> str:
    """What a visitor may be told of a refusal; what is no visitor's business is raised again."""
    if error.status is None and error.code != "H0701":
        raise error
    if error.code == "H0701":  # whose own words name a command
        return gettext("没有代码为 %(code)s 的会员。", code=text_of("member") or "")
    return error.text(language())


def _wanted() -> Wanted:
    """The last thirty days unless days are named; the last of them counts whole."""
    since, until = _days()
    said = {name: text_of(name) for name in _FIELDS}
    return Wanted(since, until, **said)


def _days() -> tuple[datetime, datetime]:
    last = day_of("until") or desk().settings.today()
    first = day_of("since") or last - timedelta(days=29)
    return midnight(first), midnight(last + timedelta(days=1))


def _page(
    page: Page[Found],
    wrong: str | None = None,
    wrong_person: str | None = None,
    searched: bool = False,
    more: Any = None,
) -> str:
    since, until = _days()
    columns = [
        *(
            Column(words)
            for words in (_l("时间"), _l("机构"), _l("用途"), _l("查询人员"), _l("业务编号"), _l("授权编号"))
        ),
        Column(_l("产品")),
        Column(_l("金额（元）"), numeric=True),
        Column(_l("查询编号")),
    ]
    form = request.form if request.method == "POST" else request.args
    place = 0 if language() == "zh" else 1
    return render_template(
        "searches.html",
        page=page,
        columns=columns,
        purposes=PURPOSES,
        product=product,
        asked={
            name: form.get(name, "")
            for name in (*_FIELDS, "reason", "reference", "id_type", "id_no", "id_country")
        },
        since=since.date(),
        until=(until - timedelta(days=1)).date(),
        reasons=[(code, words[place]) for code, words in REASONS.items()],
        id_types=ID_TYPES.items(),
        wrong=wrong,
        wrong_person=wrong_person,
        searched=searched,
        more=more,
    )
