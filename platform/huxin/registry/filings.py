"""A member's own submissions and findings, page by page: as the app's role, which sees no other member's rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from huxin.contract import State
from huxin.registry.connect import lost_connection_told
from huxin.registry.live import Live
from huxin.registry.submissions import Submission
from huxin_checks.finding import Finding

Place = tuple[int, str, str]  # record, code, field: where a page of findings ends

_NAMES = tuple(Submission.__dataclass_fields__)
_SELECT = f"SELECT {', '.join(_NAMES)} FROM submission WHERE member_id = %(member)s"
_ONE = f"{_SELECT} AND id = %(id)s"
# Ids are made in the order of receipt.
_PAGE = f"""{_SELECT} AND (%(state)s::smallint IS NULL OR state = %(state)s)
    AND (%(as_of)s::date IS NULL OR as_of_date = %(as_of)s) AND (%(before)s::uuid IS NULL OR id < %(before)s)
    ORDER BY id DESC LIMIT %(most)s"""
_FINDINGS = """
    SELECT record, code, field, line, masked FROM finding
    WHERE member_id = %(member)s AND submission_id = %(id)s
      AND (%(record)s::bigint IS NULL OR (record, code, field) > (%(record)s, %(code)s::text, %(field)s::text))
    ORDER BY record, code, field LIMIT %(most)s"""


@dataclass(frozen=True)
class Wanted:
    """Which of a member's submissions; None stands for all."""

    state: State | None = None
    as_of: date | None = None


def of_member(live: Live, member_id: int, submission_id: UUID) -> Submission | None:
    """The member's submission of that id; None too when it is another member's."""
    return next(iter(_submissions(live, _ONE, {"member": member_id, "id": submission_id})), None)


def page(live: Live, member_id: int, wanted: Wanted, before: UUID | None, most: int) -> list[Submission]:
    """The member's submissions, newest receipt first, those older than `before`."""
    state = None if wanted.state is None else int(wanted.state)
    values = {"member": member_id, "state": state, "as_of": wanted.as_of, "before": before, "most": most}
    return _submissions(live, _PAGE, values)


def findings_page(
    live: Live, member_id: int, submission_id: UUID, after: Place | None, most: int | None
) -> list[Finding]:
    """Findings of the member's submission by record, code and field, from behind `after`; all without `most`."""
    record, code, field = after or (None, None, None)
    values = {"record": record, "code": code, "field": field, "id": submission_id, "most": most}
    return [Finding(*row) for row in _rows(live, _FINDINGS, values | {"member": member_id})]


def _submissions(live: Live, statement: str, values: dict[str, Any]) -> list[Submission]:
    found = [dict(zip(_NAMES, row, strict=True)) for row in _rows(live, statement, values)]
    return [Submission(**{**row, "state": State(row["state"])}) for row in found]


def _rows(live: Live, statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with lost_connection_told(), live.as_member(values["member"]) as database:
        return database.execute(statement, values, binary=True).fetchall()
