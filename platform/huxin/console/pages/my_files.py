"""A member's submissions: what became of each, what is wrong with it, and the rows to mend."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse

from huxin.console import findings, texts, xlsx
from huxin.console.desk import desk
from huxin.console.flashes import say
from huxin.console.member import live, looking_member, own_member, own_submission
from huxin.console.pages import Entry
from huxin.console.pages.home import Todo
from huxin.console.paging import SIZE, Column, cursor, page_of
from huxin.console.shape import Chip
from huxin.console.visitor import someone
from huxin.contract import State, load_contract, load_states
from huxin.errors import HuxinError
from huxin.registry import audit_log, console_findings, filings
from huxin.registry.alone import at_once
from huxin.registry.audit_acts import note_act
from huxin.registry.people import Person
from huxin.registry.session import connection
from huxin.registry.submissions import UNFINISHED, Submission, last_published
from huxin.registry.worklist import ring
from huxin_checks import telling
from huxin_checks.refusal_words import refusal_words

blueprint = Blueprint("my_files", __name__, url_prefix="/my/files")
MENU = (Entry("my_files.show", _l("报送"), icon="upload", order=10),)
_TONES = {
    State.AWAITING_CONFIRMATION: "orange",
    State.PUBLISHED: "green",
    State.REFUSED: "red",
    State.WITHDRAWN: "secondary",
}
_EXPORTED = 5_000
_MODES = {1: _l("全量"), 2: _l("增量"), 3: _l("更正")}
_RECORDED = {State.PUBLISHED: "submission.published", State.WITHDRAWN: "submission.withdrawn"}
_COLUMNS = (
    Column(_l("数据日期")),
    Column(_l("文件")),
    Column(_l("状态")),
    Column(_l("方式")),
    Column(_l("行数"), numeric=True),
    Column(_l("入库"), numeric=True),
    Column(_l("拒收"), numeric=True),
    Column(_l("收到时间")),
)


def what_waits(person: Person) -> Iterator[Todo]:
    """Refused files, those that wait for a word, and rows to mend."""
    if not person.member:
        return
    for state, words, tone in (
        (State.AWAITING_CONFIRMATION, _l("批次待确认"), "orange"),
        (State.REFUSED, _l("近期被整份拒收的文件"), "red"),
    ):
        found = filings.page(live(), person.member_id, filings.Wanted(state), None, SIZE)
        newest = [each for each in found if (desk().settings.now() - each.received_at).days < 7]
        address = url_for("my_files.show") if len(newest) != 1 else url_for("my_files.one", id_=newest[0].id)
        yield Todo(len(newest), words, address, tone)
    yield from _rows_to_mend(person)


def _rows_to_mend(person: Person) -> Iterator[Todo]:
    """What was rejected of the newest file, until another is sent."""
    for newest in filings.page(live(), person.member_id or 0, filings.Wanted(), None, 1):
        lately = (desk().settings.now() - newest.received_at).days < 7
        if newest.state == State.PUBLISHED and lately:
            address = url_for("my_files.one", id_=newest.id)
            yield Todo(newest.rejected or 0, _l("行被拒收，可改好后重报"), address, "orange")


@blueprint.get("")
def show() -> str:
    """The form to send a file by, and what was sent, newest first."""
    member = looking_member()
    before = _uuid(cursor())
    found = filings.page(live(), member.id, filings.Wanted(), before, SIZE + 1)
    page = page_of(found, lambda item: str(item.id))
    return render_template("my_files.html", page=page, columns=_COLUMNS, **_words())


@blueprint.get("/export")
def export() -> Response:
    """The same list as a workbook, up to five thousand rows."""
    chips = _words()["chips"]
    found = filings.page(live(), looking_member().id, filings.Wanted(), None, _EXPORTED)
    rows = (
        [
            each.as_of_date,
            each.file,
            chips[each.state].words,
            _MODES.get(each.mode or 0),
            each.rows,
            each.accepted,
            each.rejected,
            each.received_at,
            str(each.id),
        ]
        for each in found
    )
    return xlsx.download(
        gettext("我的批次"), [*(each.label for each in _COLUMNS), gettext("批次编号")], rows, _EXPORTED
    )


@blueprint.get("/<uuid:id_>")
def one(id_: UUID) -> str:
    """One submission: its state, its counts, and what is wrong by rule."""
    item = own_submission(id_)
    return render_template("my_files_one.html", **_shown(item))


@blueprint.get("/<uuid:id_>/now")
def now(id_: UUID) -> str:
    """The changing part of the page, which asks for it again until the submission is at rest."""
    return render_template("my_files_now.html", **_shown(own_submission(id_)))


@blueprint.get("/<uuid:id_>/rows")
def rows(id_: UUID) -> Response:
    """The member's own rejected rows with what is wrong beside them, in clear: taking them is on record."""
    from huxin.nightly import report  # Polars: only whoever takes rows waits for it

    item = own_submission(id_)
    if item.state == State.RECEIVED:
        raise HuxinError("H1408", retry_s=10)
    language = texts.language()
    found = filings.findings_page(live(), item.member_id, item.id, None, None)
    told = [*report.told_refusal(item, language), *telling.told(found, language)]
    table = report.rejected_rows(desk().settings, item, told)
    if not table.height:
        raise HuxinError("H1409")
    target = io.BytesIO()
    report.findings_xlsx(table, told, target)
    _note("rows.taken", item, {"rows": table.height})
    headers = {"Content-Disposition": f'attachment; filename="rows-{item.id}.xlsx"'}
    return Response(target.getvalue(), mimetype=xlsx.MEDIA, headers=headers)


@blueprint.post("/<uuid:id_>/confirm")
def confirm(id_: UUID) -> AnyResponse:
    """Lets it in although many loans vanished."""
    from huxin.nightly import wishes

    own_member()
    item = own_submission(id_)
    wishes.allow(desk().settings, item.id, at_once)
    with connection(desk().settings) as database:
        ring(database)
    _note("submission.confirmed", item, {})
    say(gettext("已确认，正在入库。"))
    return redirect(url_for("my_files.one", id_=id_), 303)


@blueprint.post("/<uuid:id_>/withdraw")
def withdraw(id_: UUID) -> AnyResponse:
    """Takes back the last one; what was before returns."""
    from huxin.nightly import wishes

    own_member()
    wishes.withdraw(desk().settings, own_submission(id_).id, at_once)
    say(gettext("已撤回，此前的数据已恢复。"))
    return redirect(url_for("my_files.one", id_=id_), 303)


@blueprint.get("/<uuid:id_>/receipt")
def receipt(id_: UUID) -> Response:
    """The proof that it stands in the audit log, as a file that is checked offline."""
    item = own_submission(id_)
    topic = _RECORDED.get(item.state)
    if topic is None:
        raise HuxinError("H1410", state=item.state.name.lower())
    found = audit_log.inclusion(live(), item.id, member_id=item.member_id, topic=topic)
    if found is None:
        raise HuxinError("H1302")
    headers = {"Content-Disposition": f'attachment; filename="receipt-{item.id}.json"'}
    return Response(
        json.dumps(found, ensure_ascii=False, indent=1), mimetype="application/json", headers=headers
    )


@blueprint.get("/rules")
def rules() -> str:
    """Every rule with its words: where the groups of findings lead."""
    return render_template("my_files_rules.html", rules=_rules(), **_words())


@blueprint.get("/rules/export")
def rules_export() -> Response:
    """The same as a workbook, for whoever mends at the source."""
    head = (_l("代码"), _l("后果"), _l("含义"), _l("修改办法"))
    rows = ([code, findings.SEVERITIES[severity].words, *words] for code, severity, *words in _rules())
    return xlsx.download(gettext("校验规则"), head, rows)


def _rules() -> list[tuple[str, str, str, str]]:
    """(code, severity, text, hint) of each check."""
    zh = texts.language() == "zh"
    return [
        (check.code, check.severity, check.zh if zh else check.en, check.hint_zh if zh else check.hint_en)
        for check in load_contract().checks
    ]


def _shown(item: Submission) -> dict[str, Any]:
    samples = console_findings.samples_of(live(), item.member_id, item.id, list(item.codes), findings.SAMPLES)
    with connection(desk().settings) as database:
        newest = last_published(database, item.member_id)
    last = newest is not None and newest.id == item.id
    return {
        "item": item,
        "groups": findings.groups_of(item, samples),
        "unfinished": item.state in UNFINISHED,
        "meaning": _meaning(item.state),
        "may_confirm": item.state == State.AWAITING_CONFIRMATION,
        "may_withdraw": item.state == State.AWAITING_CONFIRMATION or last,
        "proven": item.state in _RECORDED,
        "sums": _sums(item),
        "verdicts": _verdicts(item),
        "mendable": item.state in (State.PUBLISHED, State.REFUSED) and _has_rows(item),
        **_words(),
    }


def _sums(item: Submission) -> dict[str, int | None]:
    """In cents: what the manifest said; what was found is the same wherever the file was not refused for it."""
    said = {name: _cents(item.facts.get(f"sum_{name}")) for name in ("principal", "balance")}
    agreed = _agreed(item)
    return said | {f"found_{name}": value if agreed else None for name, value in said.items()}


def _verdicts(item: Submission) -> dict[str, str]:
    """By total: whether manifest and file agree."""
    reason = str(item.facts.get("reason", ""))
    agreed = gettext("相符") if _agreed(item) else gettext("未核对")
    wrong = gettext("不符：%(why)s", why=refusal_words(item.facts, texts.language()).strip("（） ()"))
    return {
        name: wrong if name == reason else agreed for name in ("record_count", "sum_principal", "sum_balance")
    }


def _agreed(item: Submission) -> bool:
    """Whether every row was read and no total differed: other refusals stand before or behind that."""
    return item.state not in (State.RECEIVED, State.REFUSED) or item.facts.get("reason") == "rejected"


def _cents(said: Any) -> int | None:
    try:
        return None if said is None else int(said)
    except ValueError:
        return None


def _has_rows(item: Submission) -> bool:
    return any(findings.severity_of(code) == "reject" for code in item.codes)


def _words() -> dict[str, Any]:
    zh = texts.language() == "zh"
    chips = {
        State(each.number): Chip(
            each.number, each.zh if zh else each.en, _TONES.get(State(each.number), "blue")
        )
        for each in load_states()
    }
    return {"chips": chips, "modes": _MODES, "severities": findings.SEVERITIES}


def _meaning(state: State) -> str:
    words = load_states()[state - 1]
    return words.meaning_zh if texts.language() == "zh" else words.meaning_en


def _note(topic: str, item: Submission, facts: dict[str, Any]) -> None:
    person = someone()
    with connection(desk().settings) as database:
        told = {"submission_looked_at": str(item.id), "code": person.member, "person": person.login}
        note_act(database, topic, told | facts, desk().settings.now())


def _uuid(said: str | None) -> UUID | None:
    try:
        return UUID(said) if said else None
    except ValueError:
        return None
