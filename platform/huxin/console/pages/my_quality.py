"""A member's data quality: its index and parts beside the sector's quartiles, and what its rows were rejected for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, Response, abort, render_template
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from huxin.console import texts, xlsx
from huxin.console.desk import desk
from huxin.console.pages import Entry
from huxin.console.reporting_words import PARTS
from huxin.console.visitor import someone
from huxin.contract import load_contract
from huxin.oversight.quality_sector import LEAST, Beside, beside
from huxin.oversight.reporting import league, window
from huxin.oversight.reporting_policy import reporting_policy
from huxin.registry.reports import code_counts
from huxin.registry.session import connection

blueprint = Blueprint("my_quality", __name__, url_prefix="/my/quality")
MENU = (Entry("my_quality.show", _l("数据质量评分"), icon="award", order=30),)
WORDS = {"index": _l("指数"), **PARTS}


@blueprint.get("")
def show() -> str:
    """The own figures by name, the others' as quartiles only."""
    found = _found()
    return render_template("my_quality.html", words=WORDS, least=LEAST, **vars(found))


@blueprint.get("/export")
def export() -> Response:
    """The same as a workbook: figures first, then what rows were rejected or marked for."""
    found = _found()
    head = (
        _l("项目"),
        _l("权重"),
        _l("本机构"),
        _l("同业较低四分之一"),
        _l("同业中位"),
        _l("同业较高四分之一"),
    )
    figures = (
        [WORDS[row.name], found.weights.get(row.name), row.own, row.lower, row.median, row.upper]
        for row in found.rows
    )
    hits = ([code, found.checks.get(code), count] for code, count in found.codes)
    between: list[list[Any]] = [[], [_l("校验"), _l("含义"), _l("次数")]]
    return xlsx.download(gettext("数据质量评分"), head, [*figures, *between, *hits])


@dataclass(frozen=True)
class _Found:
    """What the page and the workbook show of one member."""

    rows: list[Beside]
    weights: dict[str, Any]
    span: tuple[date, date]
    codes: list[tuple[str, int]]
    checks: dict[str, str]


def _found() -> _Found:
    settings, member = desk().settings, someone().member_id
    policy = reporting_policy(settings.today())
    since, until = window(policy, settings.now())
    # The sector's sums, of which the page tells no other member's: the console's role would see the own rows alone.
    with connection(settings) as database:
        found = league(database, policy, settings.now())
        codes = code_counts(database, since, until, member)
    mine = next((each for each in found if each.member.id == member), None)
    if mine is None:
        abort(404)
    checks = {check.code: getattr(check, texts.language()) for check in load_contract().checks}
    rows = beside(mine.quality, [each.quality for each in found if each.member.id != member])
    return _Found(rows, vars(policy.quality.weights), (since, until), codes, checks)
