"""Submissions of every member, and one of them: its state, its counts, its findings grouped by check with samples."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, render_template, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from huxin.console import xlsx
from huxin.console.asked import day_of, id_of, midnight, one_of, text_of
from huxin.console.data_words import column
from huxin.console.desk import desk
from huxin.console.pages import Entry
from huxin.console.pages.home import Todo
from huxin.console.paging import SIZE, Column, cursor, page_of
from huxin.console.reporting_words import MODES, STATE_CHIPS
from huxin.console.texts import language
from huxin.contract import State, load_contract
from huxin.oversight.reporting import LOOKED_BACK
from huxin.registry.members import find_member
from huxin.registry.people import Person
from huxin.registry.session import console_connection
from huxin.registry.submission_lists import (
    Listed,
    Sought,
    count_refused,
    count_waiting,
    list_submissions,
    one_submission,
    samples,
)

blueprint = Blueprint("reports", __name__)
MENU = (Entry("reports.show", _l("报送批次"), icon="files", order=20),)
# Beside the states themselves: refused, and nothing published has taken its place.
STILL_REFUSED = "refused_still"
_SAMPLES = 3
_MOST = 5_000


def what_waits(_person: Person) -> Iterator[Todo]:
    """Refused files that nothing has replaced, and files that wait for their member: counted, however many."""
    since = desk().settings.today() - timedelta(days=LOOKED_BACK)
    with console_connection(desk().settings) as database:
        refused = count_refused(database, midnight(since))
        waiting = count_waiting(database)
    yield Todo(
        refused,
        gettext("个文件被拒收，尚未更正"),
        url_for("reports.show", state=STILL_REFUSED, since=since),
        "red",
    )
    yield Todo(
        waiting,
        gettext("个批次等待会员确认"),
        url_for("reports.show", state="awaiting_confirmation"),
    )


@blueprint.get("/reports")
def show() -> str:
    """All members' submissions, the newest receipt first; by member, state and day."""
    with console_connection(desk().settings) as database:
        found = list_submissions(database, _sought(database), id_of(cursor()), SIZE + 1)
    columns = [
        Column(_l("接收时间")),
        Column(_l("机构")),
        Column(_l("数据日期")),
        Column(_l("方式")),
        Column(_l("状态")),
        Column(_l("行数"), numeric=True),
        Column(_l("接受"), numeric=True),
        Column(_l("拒收"), numeric=True),
        Column(_l("提示行"), numeric=True),
    ]
    page = page_of(found, lambda each: str(each.id))
    states = [
        ("", gettext("全部")),
        *((each.name.lower(), str(chip.words)) for each, chip in STATE_CHIPS.items()),
        (STILL_REFUSED, gettext("已拒收，尚未更正")),
    ]
    return render_template(
        "reports.html",
        page=page,
        columns=columns,
        chips=STATE_CHIPS,
        modes=MODES,
        states=states,
        asked=_asked(),
    )


@blueprint.get("/reports/export")
def export() -> Response:
    """The same list as a workbook, up to five thousand rows."""
    with console_connection(desk().settings) as database:
        found = list_submissions(database, _sought(database), None, _MOST)
    names = (
        _l("接收时间"),
        _l("机构代码"),
        _l("数据日期"),
        _l("序号"),
        _l("状态"),
        _l("行数"),
        _l("接受"),
        _l("拒收"),
        _l("提示行"),
        _l("未出现"),
        _l("批次编号"),
    )
    head = names
    return xlsx.download(gettext("报送批次"), head, map(_cells, found), _MOST)


@blueprint.get("/reports/<uuid:number>")
def one(number: UUID) -> str:
    """One submission: state, counts, and each check that hit: how often, what it says, its first rows."""
    with console_connection(desk().settings) as database:
        item = one_submission(database, number)
        if item is None:
            abort(404)
        shown = samples(database, item, list(item.codes), _SAMPLES)
    groups = [_group(code, hits, shown.get(code, [])) for code, hits in _by_weight(item)]
    return render_template(
        "reports_one.html", item=item, groups=groups, chips=STATE_CHIPS, modes=MODES, column=column
    )


def _asked() -> dict[str, str]:
    return {name: text_of(name) or "" for name in ("member", "state", "as_of", "since")}


def _sought(database: Any) -> Sought:
    """What the query asks for; an unknown member's code finds nothing."""
    code = text_of("member")
    state = one_of("state", (*(each.name.lower() for each in State), STILL_REFUSED))
    still = state == STILL_REFUSED
    member = find_member(database, code) if code else None
    since = day_of("since")
    return Sought(
        -1 if code and member is None else member.id if member else None,
        State.REFUSED if still else State[state.upper()] if state else None,
        day_of("as_of"),
        None if since is None else midnight(since),
        still,
    )


def _by_weight(item: Listed) -> list[tuple[str, int]]:
    """File checks first, then rejections, then warnings; within each the most frequent first."""
    order = {"F": 0, "E": 1, "W": 2}
    return sorted(item.codes.items(), key=lambda each: (order.get(each[0][0], 3), -each[1], each[0]))


def _group(code: str, hits: int, shown: list[Any]) -> dict[str, Any]:
    check = next((each for each in load_contract().checks if each.code == code), None)
    words = None if check is None else getattr(check, language())
    hint = None if check is None else check.hint_zh if language() == "zh" else check.hint_en
    return {
        "code": code,
        "hits": hits,
        "words": words,
        "hint": hint,
        "samples": shown,
        "tone": {"W": "yellow"}.get(code[0], "red"),
    }


def _cells(item: Listed) -> list[Any]:
    state = str(STATE_CHIPS[item.state].words)
    return [
        *(item.received_at, item.code or item.sender, item.as_of_date, item.sequence, state),
        *(item.rows, item.accepted, item.rejected, item.warned, item.vanished, str(item.id)),
    ]
