"""The league of data quality with its formula and what is rejected for which check, and one member's quality."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from huxin.console import xlsx
from huxin.console.asked import text_of
from huxin.console.desk import desk
from huxin.console.pages import Entry
from huxin.console.paging import SIZE, Column, page_of, sort_by
from huxin.console.reporting_words import PARTS
from huxin.console.texts import language
from huxin.contract import load_contract
from huxin.oversight.reporting import Standing, league, window
from huxin.oversight.reporting_policy import ReportingPolicy, reporting_policy
from huxin.registry.members import find_member
from huxin.registry.reports import Rejections, RuleHits, code_counts, rejections, report_days
from huxin.registry.session import console_connection

blueprint = Blueprint("quality", __name__)
MENU = (Entry("quality.show", _l("数据质量"), icon="award", order=30),)
_SORTS = ("place", "code", *PARTS)
_RULES = 10  # of the sector's checks so many are shown; the workbook has all
_HEAD = (
    _l("名次"),
    _l("机构代码"),
    _l("机构名称"),
    _l("指数"),
    _l("及时"),
    _l("拒收"),
    _l("完整"),
    _l("稳定"),
    _l("应报"),
    _l("已报"),
    _l("按时"),
    _l("行数"),
    _l("拒收行"),
    _l("最常见的拒收原因"),
    _l("次数"),
    _l("说明"),
)


@blueprint.get("/quality")
def show() -> str:
    """Members by place or by any part of the index, a page at a time, with the formula and its weights.

    Before them what the sector's rows and files were rejected for; beside each what it was rejected for most.
    """
    policy = _policy()
    with console_connection(desk().settings) as database:
        found = league(database, policy, desk().settings.now())
        rejected = rejections(database, *_span(policy))
    sorted_by = sort_by(_SORTS, "place")
    ordered = _ordered(found, *sorted_by)
    after = text_of("after") or "0"
    start = int(after) if after.isdecimal() else 0
    page = page_of(ordered[start : start + SIZE + 1], lambda each: str(start + SIZE))
    columns = [
        Column(_l("名次"), "place", numeric=True),
        Column(_l("机构"), "code"),
        Column(_l("指数"), numeric=True),
        *(Column(words, name, numeric=True) for name, words in PARTS.items()),
        Column(_l("应报"), numeric=True),
        Column(_l("已报"), numeric=True),
        Column(_l("拒收行"), numeric=True),
        Column(_l("最常见的拒收原因")),
    ]
    return render_template(
        "quality.html",
        page=page,
        columns=columns,
        sorted=sorted_by,
        policy=policy,
        span=_span(policy),
        parts=PARTS,
        rejected=rejected,
        most=_RULES,
        texts=_texts(),
    )


@blueprint.get("/quality/export")
def export() -> Response:
    """The whole league as a workbook, then what the sector was rejected for."""
    policy = _policy()
    with console_connection(desk().settings) as database:
        found = league(database, policy, desk().settings.now())
        rejected = rejections(database, *_span(policy))
    texts = _texts()
    rows = [_cells(each, rejected.worst.get(each.member.id), texts) for each in found]
    return xlsx.download(gettext("数据质量"), _HEAD, [*rows, *_rule_rows(rejected, texts)])


@blueprint.get("/quality/<code>/export")
def one_export(code: str) -> Response:
    """The same of one member as a workbook: its days first, then its findings by check."""
    since, until = window(_policy(), desk().settings.now())
    with console_connection(desk().settings) as database:
        found = find_member(database, code)
        if found is None:
            abort(404)
        days = report_days(database, since, until, [found.id])
        codes = code_counts(database, since, until, found.id)
    head = [_l("数据日期"), _l("行数"), _l("接受"), _l("拒收"), _l("在册笔数"), _l("首次发布")]
    rows: list[list[Any]] = [
        [each.day, each.rows, each.accepted, each.rejected, each.loans, each.first_at]
        for each in reversed(days)
    ]
    texts = _texts()
    rows += [[], [_l("校验"), _l("说明"), _l("次数")]]
    rows += [[check, texts.get(check), hits] for check, hits in codes]
    return xlsx.download(f"{gettext('数据质量')}-{code}", head, rows)


@blueprint.get("/quality/<code>")
def one(code: str) -> str:
    """A member's place and parts, its days as a line, and its findings by check."""
    policy = _policy()
    since, until = window(policy, desk().settings.now())
    with console_connection(desk().settings) as database:
        found = league(database, policy, desk().settings.now())
        mine = next((each for each in found if each.member.code == code), None)
        if mine is None:
            abort(404)
        days = report_days(database, since, until, [mine.member.id])
        codes = code_counts(database, since, until, mine.member.id)
    texts = _texts()
    option = {
        "tooltip": {"trigger": "axis"},
        "grid": {"left": 60, "right": 60, "top": 30, "bottom": 30},
        "legend": {"top": 0},
        "xAxis": {"type": "category", "data": [f"{each.day:%m-%d}" for each in days]},
        "yAxis": [{"type": "value"}, {"type": "value"}],
        "series": [
            {"name": gettext("接受"), "type": "bar", "data": [each.accepted for each in days]},
            {
                "name": gettext("拒收"),
                "type": "line",
                "yAxisIndex": 1,
                "data": [each.rejected for each in days],
            },
        ],
    }
    return render_template(
        "quality_member.html",
        mine=mine,
        members=len(found),
        days=list(reversed(days)),
        codes=codes,
        texts=texts,
        option=option,
        parts=PARTS,
        span=(since, until),
        weights=vars(policy.quality.weights),
    )


def _texts() -> dict[str, str]:
    """What each check says, in the reader's language."""
    return {check.code: getattr(check, language()) for check in load_contract().checks}


def _policy() -> ReportingPolicy:
    return reporting_policy(desk().settings.today())


def _span(policy: ReportingPolicy) -> tuple[Any, Any]:
    return window(policy, desk().settings.now())


def _ordered(found: list[Standing], name: str, descending: bool) -> list[Standing]:
    """By one column; members of whom nothing can be said stand last either way."""
    if name == "place":
        known = [each for each in found if each.place is not None]
        rest = [each for each in found if each.place is None]
        return (known[::-1] if descending else known) + rest
    if name == "code":
        return sorted(found, key=lambda each: each.member.code, reverse=descending)
    known = [each for each in found if getattr(each.quality, name) is not None]
    rest = [each for each in found if getattr(each.quality, name) is None]
    return sorted(known, key=lambda each: getattr(each.quality, name), reverse=descending) + rest


def _cells(each: Standing, worst: RuleHits | None, texts: dict[str, str]) -> list[Any]:
    q, f = each.quality, each.figures
    return [
        *(each.place, each.member.code, each.member.name, q.index, q.timeliness, q.rejects, q.completeness),
        *(q.stability, f.due, f.published, f.on_time, f.rows, f.rejected),
        *((worst.code, worst.hits, texts.get(worst.code)) if worst else ()),
    ]


def _rule_rows(rejected: Rejections, texts: dict[str, str]) -> list[list[Any]]:
    """The sector's checks as a second table of the same sheet."""
    head = [_l("校验"), _l("说明"), _l("次数"), _l("涉及机构"), _l("占有报送的机构（%）")]
    rows = [
        [
            rule.code,
            texts.get(rule.code),
            rule.hits,
            rule.members,
            round(100 * rule.members / rejected.senders, 1),
        ]
        for rule in rejected.rules
    ]
    return [[], head, *rows]
