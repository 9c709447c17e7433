"""/v1/submissions/{id}/findings: what is wrong with a file, as JSON, or as the member's own rows to be mended."""

from __future__ import annotations

import io
from typing import Any, Literal
from uuid import UUID

from apiflask import APIFlask
from flask import Response
from pydantic import Field

from huxin.api import paging
from huxin.api.answers import answer
from huxin.api.caller import Caller
from huxin.api.queries import Number, Paged, language, parameters, read_query, spoken
from huxin.api.routes import Route, add
from huxin.api.shell import shell
from huxin.api.submission_answers import FindingAnswer, FindingsPage, state_name
from huxin.api.submissions import MEMBER, ONE, own
from huxin.contract import State
from huxin.errors import HuxinError
from huxin.registry import filings
from huxin.registry.submissions import Submission
from huxin_checks import telling
from huxin_checks.telling import Told

MOST = 5_000
CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_KIND = "findings"
ABOUT = """`format=json`（默认）逐条列出错误，值已脱敏，分页；
`csv`、`xlsx` 是本机构自己的被拒收行，含证件号码明文，改好后可直接作为更正报送。

`format=json` (the default) tells every finding, masked, page by page. `csv` and `xlsx` are your own rejected rows with
what is wrong beside them, identifiers in clear: mend them there and send the file as a correction."""


class Wanted(Paged):
    """Which form, and for JSON which page."""

    format: Literal["json", "csv", "xlsx"] = Field(default="json", description="格式")
    limit: Number = Field(default=500, ge=1, le=MOST, description="findings of one page (json) · 每页条数")


def register(app: APIFlask) -> None:
    """For members, of their own submissions."""
    route = Route(
        "GET",
        f"{ONE}/findings",
        "错误清单 · Findings",
        "submissions",
        access=MEMBER,
        answer=FindingsPage,
        errors=("H1116", "H1121", "H1124", "H1408", "H1409"),
        parameters=parameters(Wanted),
        description=ABOUT,
        media_also=("text/csv", XLSX),
    )
    add(app, route, findings)


def findings(caller: Caller, submission_id: UUID) -> Response:
    """JSON is told whatever the state; rows are there once the file was checked, until they are forgotten."""
    wanted = read_query(Wanted)
    item = own(caller, submission_id)
    if wanted.format == "json":
        return _page(caller, item, wanted)
    return _rows(item, wanted.format)


def _page(caller: Caller, item: Submission, wanted: Wanted) -> Response:
    from huxin.nightly import report  # Polars: only whoever asks for findings waits for it

    kind = f"{_KIND} {item.id}"
    place = paging.place_of(shell(), caller, kind, wanted.cursor)
    after = (int(place[0]), str(place[1]), str(place[2])) if place else None
    found = filings.findings_page(shell().live, caller.member_id, item.id, after, wanted.limit + 1)
    rows, following = paging.page(
        shell(), caller, kind, found, wanted.limit, lambda each: [each.record, each.code, each.field]
    )
    told = telling.told(rows, language())
    if after is None:
        told = [*report.told_refusal(item, language()), *told]
    items = [_answer(each) for each in told]
    page = FindingsPage(submission_id=str(item.id), state=state_name(item.state), items=items, next=following)
    return answer(page, headers=spoken())


def _answer(each: Told) -> FindingAnswer:
    return FindingAnswer.model_validate(vars(each))


def _rows(item: Submission, wanted: Literal["csv", "xlsx"]) -> Response:
    from huxin.nightly import report  # as above

    if item.state == State.RECEIVED:
        raise HuxinError("H1408", retry_s=10)
    found = filings.findings_page(shell().live, item.member_id, item.id, None, None)
    told = [*report.told_refusal(item, language()), *telling.told(found, language())]
    rows = report.rejected_rows(shell().settings, item, told)
    if not rows.height and any(each.record and each.severity == "reject" for each in told):
        raise HuxinError("H1409")
    named = [("Content-Disposition", f'attachment; filename="findings-{item.id}.{wanted}"'), *spoken()]
    if wanted == "csv":
        return answer(report.findings_csv(rows).encode(), headers=named, content_type=CSV)
    return answer(_spreadsheet(report, rows, told), headers=named, content_type=XLSX)


def _spreadsheet(report: Any, rows: Any, told: list[Told]) -> bytes:
    target = io.BytesIO()
    report.findings_xlsx(rows, told, target)
    return target.getvalue()
