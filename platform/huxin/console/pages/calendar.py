"""Who reported which day: a heat-map with its table, holidays and extensions, and messages to nudge with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, redirect, render_template, url_for
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from werkzeug.wrappers import Response

from huxin.console import flashes, xlsx
from huxin.console.asked import day_of, moment_of, one_of, text_of
from huxin.console.desk import desk
from huxin.console.pages import Entry
from huxin.console.pages.home import Todo
from huxin.console.paging import SIZE, Column, cursor, page_of
from huxin.console.reporting_words import DAY_CHIPS, DAY_COLOURS, DAY_ORDER, TERMS
from huxin.console.texts import language
from huxin.console.visitor import someone
from huxin.oversight import terms
from huxin.oversight.calendar import LACKING, DayState
from huxin.oversight.nudges import Told, nudges_for, templates_in_force
from huxin.oversight.reporting import LOOKED_BACK, Calendar, Late, calendar, late_members
from huxin.oversight.reporting_policy import ReportingPolicy, reporting_policy
from huxin.registry.people import Person
from huxin.registry.reminders import Reminder, last_reminders, own_words, reminders_of
from huxin.registry.reports import Reporter, reporters
from huxin.registry.session import console_connection
from huxin.registry.terms import KINDS, terms_between

if TYPE_CHECKING:
    from sqlalchemy import Connection

blueprint = Blueprint("calendar", __name__)
MENU = (Entry("calendar.show", _l("报送日历"), icon="calendar", order=10),)
DAYS = 30
_LONGEST = 92


def what_waits(_person: Person) -> Iterator[Todo]:
    """Members that owe a report."""
    with console_connection(desk().settings) as database:
        late = late_members(database, _policy(), desk().settings.now())
    yield Todo(len(late), gettext("家机构有应报未报的日期"), url_for("calendar.late"), "red")


@blueprint.get("/calendar")
def show() -> str:
    """Members by code, a page at a time, over the last days or those asked for."""
    since, until = _span()
    with console_connection(desk().settings) as database:
        members = _chosen(reporters(database))
        page = page_of(members, lambda each: each.code)
        made = calendar(database, _policy(), since, until, desk().settings.now(), page.rows)
    return render_template(
        "calendar.html",
        made=made,
        page=page,
        chips=DAY_CHIPS,
        option=_heat_map(made),
        columns=[Column(_l("机构")), *_day_heads(made.days)],
        since=since,
        until=until,
        kinds=TERMS,
        reasons=_reasons(),
    )


def _day_heads(days: Sequence[date]) -> Iterator[Column]:
    """Days short enough for a month to stand beside itself: the month is told where one begins. Read aloud whole."""
    short = Markup('<span aria-hidden="true" title="{0}">{1}</span><span class="visually-hidden">{0}</span>')
    for number, day in enumerate(days):
        told = f"{day.month}/{day.day}" if number == 0 or day.day == 1 else str(day.day)
        yield Column(short.format(day.isoformat(), told))


@blueprint.get("/calendar/export")
def export() -> Response:
    """The same for all members: a row each, a column a day."""
    since, until = _span()
    with console_connection(desk().settings) as database:
        made = calendar(database, _policy(), since, until, desk().settings.now())
    head = [gettext("机构代码"), gettext("机构名称"), *(each.isoformat() for each in made.days)]
    rows = (
        [row.member.code, row.member.name, *(str(DAY_CHIPS[each.state].words) for each in row.days)]
        for row in made.rows
    )
    return xlsx.download(gettext("报送日历"), head, rows)


@blueprint.get("/calendar/late")
def late() -> str:
    """Active members that owe a report of the last days, those that owe most first; who was reminded, and of what."""
    with console_connection(desk().settings) as database:
        found = late_members(database, _policy(), desk().settings.now())
        after = text_of("after") or "0"
        start = int(after) if after.isdecimal() else 0
        page = page_of(found[start : start + SIZE + 1], lambda each: str(start + SIZE))
        told, reminded = late_words(database, page.rows)
    columns = [Column(_l("机构")), Column(_l("欠报日期")), Column(_l("提醒文字")), Column(_l("催报记录"))]
    return render_template(
        "calendar_late.html",
        page=page,
        columns=columns,
        chips=DAY_CHIPS,
        total=len(found),
        told=told,
        reminded=reminded,
    )


def late_words(
    database: Connection, late: Sequence[Late]
) -> tuple[dict[int, list[Told]], dict[int, Reminder]]:
    """By member: what it may be told now, and the newest thing it was told."""
    ids = [each.member.id for each in late]
    today = desk().settings.today()
    terms = terms_between(database, today - timedelta(days=LOOKED_BACK), today, ids)
    templates = templates_in_force(own_words(database))
    told = {each.member.id: nudges_for(each.member, each.days, terms, templates) for each in late}
    return told, last_reminders(database, ids)


@blueprint.get("/calendar/members/<code>")
def member(code: str) -> str:
    """One member's days, what was granted for them, and the message that would nudge it now."""
    since, until = _span()
    now = desk().settings.now()
    with console_connection(desk().settings) as database:
        found = [each for each in reporters(database) if each.code == code]
        if not found:
            abort(404)
        made = calendar(database, _policy(), since, until, now, found)
        granted = terms_between(database, since, until + timedelta(days=_LONGEST), [found[0].id])
        told = nudges_for(found[0], owed_by(made), granted, templates_in_force(own_words(database)))
        reminded = reminders_of(database, found[0].id, most=SIZE)
    return render_template(
        "calendar_member.html",
        member=found[0],
        days=list(reversed(list(zip(made.days, made.rows[0].days, strict=True)))),
        chips=DAY_CHIPS,
        granted=granted,
        messages=told,
        reminded=reminded,
        kinds=TERMS,
        reasons=_reasons(),
        since=since,
        until=until,
    )


@blueprint.post("/calendar/members/<code>")
def grant(code: str) -> Response:
    """Grants days off, more time or a backfill to a member (ALL: to everybody), or takes it back."""
    kind, first = one_of("kind", KINDS), day_of("first")
    if kind is None or first is None:
        abort(400)
    wanted = terms.Grant(
        None if code == "ALL" else code,
        kind,
        first,
        day_of("last") or first,
        moment_of("until"),
        text_of("reason") or "",
    )
    settings, by = desk().settings, someone().login
    if text_of("lift"):
        count = terms.lift(settings, wanted, by)
        flashes.say(ngettext("已撤销 %(num)d 天。", "已撤销 %(num)d 天。", count))
    else:
        count = terms.grant(settings, wanted, by)
        flashes.say(ngettext("已批准 %(num)d 天。", "已批准 %(num)d 天。", count))
    target = url_for("calendar.show") if code == "ALL" else url_for("calendar.member", code=code)
    return redirect(target, 303)


def _policy() -> ReportingPolicy:
    return reporting_policy(desk().settings.today())


def _span() -> tuple[date, date]:
    """The days asked for, at most a quarter; otherwise the last thirty."""
    until = day_of("until") or desk().settings.today()
    since = day_of("since") or until - timedelta(days=DAYS - 1)
    if not 0 <= (until - since).days < _LONGEST:
        since = until - timedelta(days=DAYS - 1)
    return since, until


def _chosen(members: list[Reporter]) -> list[Reporter]:
    """Those behind the cursor, one more than a page; with ?code= those whose code begins so."""
    begins, after = text_of("code") or "", cursor() or ""
    return [each for each in members if each.code > after and each.code.startswith(begins)][: SIZE + 1]


def _heat_map(made: Calendar) -> dict[str, Any]:
    """The option of ECharts: a cell a member and day, coloured by its state."""
    places = {state: number for number, state in enumerate(DAY_ORDER)}
    cells = [
        [column, line, places[each.state]]
        for line, row in enumerate(made.rows)
        for column, each in enumerate(row.days)
    ]
    pieces = [
        {"value": places[state], "label": str(DAY_CHIPS[state].words), "color": DAY_COLOURS[state]}
        for state in DAY_ORDER
    ]
    return {
        "tooltip": {},
        "grid": {"left": 70, "right": 12, "top": 10, "bottom": 30},
        "xAxis": {"type": "category", "data": [f"{each:%m-%d}" for each in made.days]},
        "yAxis": {"type": "category", "inverse": True, "data": [row.member.code for row in made.rows]},
        "visualMap": {
            "type": "piecewise",
            "pieces": pieces,
            "show": False,
        },  # the page has a legend of its own
        "series": [
            {"type": "heatmap", "data": cells, "itemStyle": {"borderWidth": 1, "borderColor": "#fff"}}
        ],
    }


def owed_by(made: Calendar) -> list[tuple[date, DayState]]:
    """The days of the last week that the calendar's one member lacks."""
    pairs = zip(made.days, made.rows[0].days, strict=True)
    return [(day, state) for day, state in pairs if _lacks(made, day, state)]


def _lacks(made: Calendar, day: date, state: DayState) -> bool:
    return state.state in LACKING and (made.days[-1] - day).days <= LOOKED_BACK


def _reasons() -> list[tuple[str, str]]:
    place = 0 if language() == "zh" else 1
    return [(code, words[place]) for code, words in terms.REASONS.items()]
