"""The sector as a whole: open loans, outstanding and overdue by class, their trend, subjects by number of lenders."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, render_template
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from huxin.console import xlsx
from huxin.console.asked import day_of
from huxin.console.desk import desk
from huxin.console.pages import Entry
from huxin.console.reporting_words import CLASSES
from huxin.registry.sector import (
    MOST_LENDERS,
    ClassSum,
    DaySum,
    Lenders,
    lenders_trend,
    sector_now,
    sector_trend,
)
from huxin.registry.session import console_connection

blueprint = Blueprint("sector", __name__)
MENU = (Entry("sector.show", _l("行业概览"), icon="chart-bar", order=60),)
_DAYS = 90
_LONGEST = 400


@blueprint.get("/sector")
def show() -> str:
    """Where the sector stands now, how it came there, and how many subjects owe to several members."""
    since, until = _span()
    with console_connection(desk().settings) as database:
        now = sector_now(database)
        trend = sector_trend(database, since, until)
        lenders = lenders_trend(database, since, until)
    by_day = _by_day(trend)
    newest = lenders[-MOST_LENDERS:]
    return render_template(
        "sector.html",
        now=now,
        classes=CLASSES,
        days=sorted(by_day, reverse=True),
        by_day=by_day,
        trend=_trend(by_day),
        lenders=newest,
        most=MOST_LENDERS,
        distribution=_distribution(newest),
        span=(since, until),
    )


@blueprint.get("/sector/export")
def export() -> Response:
    """Every table of the page as a workbook: the trend by day and class, what stands now, the newest distribution.

    Amounts in yuan.
    """
    since, until = _span()
    with console_connection(desk().settings) as database:
        now = sector_now(database)
        trend = sector_trend(database, since, until)
        lenders = lenders_trend(database, since, until)[-MOST_LENDERS:]
    names = (
        _l("日期"),
        _l("五级分类"),
        _l("报送机构数"),
        _l("笔数"),
        _l("余额（元）"),
        _l("逾期笔数"),
        _l("逾期金额（元）"),
    )
    rows: list[list[Any]] = [[each.day, *_cells(each.sums)] for each in trend]
    rows += [[], [_l("目前")], *([None, *_cells(each)] for each in now)]
    rows += [[], [_l("机构数"), _l("主体数")]]
    rows += [[_lenders(each), each.subjects] for each in lenders]
    return xlsx.download(gettext("行业概览"), names, rows)


def _cells(sums: ClassSum) -> list[Any]:
    return [
        *(str(CLASSES[sums.class5]), sums.members, sums.loans),
        *(sums.outstanding / 100, sums.overdue_loans, sums.overdue_amount / 100),
    ]


def _lenders(each: Lenders) -> str:
    return f"{each.lenders}{'+' if each.lenders == MOST_LENDERS else ''}"


def _span() -> tuple[date, date]:
    until = day_of("until") or desk().settings.today()
    since = day_of("since") or until - timedelta(days=_DAYS)
    return (since, until) if 0 <= (until - since).days <= _LONGEST else (until - timedelta(days=_DAYS), until)


def _by_day(trend: list[DaySum]) -> dict[date, dict[str, int]]:
    """All classes together, by day; what is substandard or worse beside them."""
    found: dict[date, dict[str, int]] = defaultdict(
        lambda: dict.fromkeys(("loans", "outstanding", "overdue", "bad"), 0)
    )
    for each in trend:
        day, sums = found[each.day], each.sums
        day["loans"] += sums.loans
        day["outstanding"] += sums.outstanding
        day["overdue"] += sums.overdue_amount
        day["bad"] += sums.outstanding if sums.class5 >= 3 else 0
    return dict(found)


def _trend(by_day: dict[date, dict[str, int]]) -> dict[str, Any]:
    days = sorted(by_day)

    def line(words: str, name: str, axis: int) -> dict[str, Any]:
        data = [round(by_day[day][name] / 100) for day in days]
        return {"name": words, "type": "line", "yAxisIndex": axis, "showSymbol": len(days) < 32, "data": data}

    return {
        "tooltip": {"trigger": "axis"},
        "legend": {"top": 0},
        "grid": {"left": 90, "right": 90, "top": 40, "bottom": 30},
        "xAxis": {"type": "category", "data": [day.isoformat() for day in days]},
        "yAxis": [{"type": "value"}, {"type": "value"}],
        "series": [
            line(gettext("余额（元）"), "outstanding", 0),
            line(gettext("逾期金额（元）"), "overdue", 1),
            line(gettext("不良余额（元）"), "bad", 1),
        ],
    }


def _distribution(lenders: list[Lenders]) -> dict[str, Any]:
    names = [_lenders(each) for each in lenders]
    counts = [each.subjects for each in lenders]
    return {
        "tooltip": {},
        "grid": {"left": 80, "right": 20, "top": 20, "bottom": 30},
        "xAxis": {"type": "category", "data": names},
        "yAxis": {"type": "value"},
        "series": [
            {
                "type": "bar",
                "data": counts,
                "label": {"show": True, "position": "top"},
            }
        ],
    }
