"""A member's own submissions and findings, page by page: every statement here is bound to one member."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, and_, select, tuple_

from huxin.contract import State
from huxin.registry.findings import Finding
from huxin.registry.submissions import Submission, read_where
from huxin.registry.tables import finding, submission

Place = tuple[int, str, str]  # record, code, field: where a page of findings ends


@dataclass(frozen=True)
class Wanted:
    """Which of a member's submissions; None stands for all."""

    state: State | None = None
    as_of: date | None = None


def of_member(connection: Connection, member_id: int, submission_id: UUID) -> Submission | None:
    """The member's submission of that id; None too when it is another member's."""
    mine = and_(submission.c.member_id == member_id, submission.c.id == submission_id)
    return next(iter(read_where(connection, mine)), None)


def page(
    connection: Connection, member_id: int, wanted: Wanted, before: UUID | None, most: int
) -> list[Submission]:
    """The member's submissions, newest receipt first, those older than `before`; ids are made in order of time."""
    terms = [submission.c.member_id == member_id]
    if wanted.state is not None:
        terms.append(submission.c.state == int(wanted.state))
    if wanted.as_of is not None:
        terms.append(submission.c.as_of_date == wanted.as_of)
    if before is not None:
        terms.append(submission.c.id < before)
    return read_where(connection, and_(*terms), submission.c.id.desc(), most)


def findings_page(
    connection: Connection, member_id: int, submission_id: UUID, after: Place | None, most: int
) -> list[Finding]:
    """Findings of the member's submission by record, code and field, from behind `after`."""
    f = finding.c
    order = (f.record, f.code, f.field)
    query = select(f.record, f.code, f.field, f.line, f.masked)
    query = query.where(f.member_id == member_id, f.submission_id == submission_id)
    if after is not None:
        query = query.where(tuple_(*order) > tuple_(*after))
    return [Finding(*row) for row in connection.execute(query.order_by(*order).limit(most))]
