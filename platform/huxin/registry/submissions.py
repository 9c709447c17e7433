"""Submissions: from receipt to an end state. The pair of digests says whether a file was seen before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, and_, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from huxin.contract import State
from huxin.registry.tables import member, submission

UNFINISHED = (State.RECEIVED, State.VALIDATED, State.PSEUDONYMIZED)  # what a night goes on with


@dataclass(frozen=True)
class Submission:
    """One file with its manifest. Counts are None until validation; `facts` says why it was refused."""

    member_id: int
    id: UUID
    state: State
    sender: str
    file: str
    data_digest: bytes
    manifest_digest: bytes
    received_at: datetime
    changed_at: datetime
    contract: str | None = None
    ruleset: str | None = None
    as_of_date: date | None = None
    sequence: int | None = None
    mode: int | None = None
    record_count: int | None = None
    rows: int | None = None
    accepted: int | None = None
    rejected: int | None = None
    warned: int | None = None
    vanished: int | None = None
    codes: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    confirmed: bool = False
    attempt: int = 1

    @property
    def pair(self) -> tuple[int, bytes, bytes]:
        return self.member_id, self.data_digest, self.manifest_digest


_ALL: Select[Any] = select(*(submission.c[name] for name in Submission.__dataclass_fields__))
_BY_TIME = (submission.c.received_at, submission.c.id)


def add(connection: Connection, submissions: Sequence[Submission]) -> None:
    """Records new submissions; a pair of digests that is already there is left as it is."""
    if submissions:
        connection.execute(upsert(submission).on_conflict_do_nothing(), [_row(item) for item in submissions])


def find(connection: Connection, submission_id: UUID) -> Submission | None:
    """The submission of that id, or None."""
    return next(iter(_read(connection, _ALL.where(submission.c.id == submission_id))), None)


def find_all(connection: Connection, ids: Iterable[UUID]) -> list[Submission]:
    """The submissions of those ids, oldest receipt first."""
    return _read(connection, _ALL.where(submission.c.id.in_(list(ids))).order_by(*_BY_TIME))


def known(connection: Connection, pairs: Iterable[tuple[int, bytes, bytes]]) -> list[Submission]:
    """The submissions with these (member_id, data digest, manifest digest)."""
    wanted = set(pairs)
    digests = [data for _, data, _ in wanted]
    found = _read(connection, _ALL.where(submission.c.data_digest.in_(digests)))
    return [item for item in found if item.pair in wanted]


def every(connection: Connection) -> list[Submission]:
    """Each submission ever made, oldest first."""
    return _read(connection, _ALL.order_by(*_BY_TIME))


def unfinished(connection: Connection) -> list[Submission]:
    """Submissions that a night goes on with: received, validated or pseudonymized."""
    return _read(connection, _ALL.where(submission.c.state.in_(UNFINISHED)).order_by(*_BY_TIME))


def published_like(connection: Connection, items: Sequence[Submission]) -> dict[UUID, list[Submission]]:
    """By id, each one's member's published submissions of its day with the same content or the same sequence.

    All in one query: a thousand of them would cost a night of small files a second.
    """
    here = and_(
        submission.c.member_id.in_({item.member_id for item in items}),
        submission.c.as_of_date.in_({item.as_of_date for item in items}),
    )
    found = _read(connection, _ALL.where(here, submission.c.state == State.PUBLISHED)) if items else []
    by_day: dict[tuple[int, date | None], list[Submission]] = {}
    for other in found:
        by_day.setdefault((other.member_id, other.as_of_date), []).append(other)
    return {
        item.id: [
            other
            for other in by_day.get((item.member_id, item.as_of_date), [])
            if other.data_digest == item.data_digest or other.sequence == item.sequence
        ]
        for item in items
    }


def last_published(connection: Connection, member_id: int) -> Submission | None:
    """The member's newest published submission (by publication), or None."""
    mine = _ALL.where(submission.c.member_id == member_id, submission.c.state == State.PUBLISHED)
    return next(
        iter(
            _read(connection, mine.order_by(submission.c.changed_at.desc(), submission.c.id.desc()).limit(1))
        ),
        None,
    )


def next_sequence(connection: Connection, member_id: int, as_of: date) -> int:
    """The sequence that the member's next submission of this day takes."""
    taken = select(submission.c.sequence).where(
        submission.c.member_id == member_id,
        submission.c.as_of_date == as_of,
        submission.c.state != State.WITHDRAWN,
        submission.c.state != State.REFUSED,
    )
    return max((value for value in connection.execute(taken).scalars() if value), default=0) + 1


def change(connection: Connection, items: Sequence[Submission]) -> None:
    """Writes the present values of submissions that are on record."""
    if not items:
        return
    names = [name for name in Submission.__dataclass_fields__ if name not in ("member_id", "id")]
    statement = (
        update(submission)
        .where(submission.c.member_id == bindparam("b_member_id"), submission.c.id == bindparam("b_id"))
        .values({name: bindparam(f"b_{name}") for name in names})
    )
    connection.execute(statement, [{f"b_{k}": v for k, v in _row(item).items()} for item in items])


def adopt(connection: Connection, item: Submission, member_id: int) -> None:
    """Gives a submission to the member that sent it, whom nobody knew when it came."""
    here = and_(submission.c.member_id == item.member_id, submission.c.id == item.id)
    connection.execute(update(submission).where(here).values(member_id=member_id))


def with_content(connection: Connection, member_id: int, data_digest: bytes) -> list[Submission]:
    """The member's submissions of this very content, oldest first."""
    mine = and_(submission.c.member_id == member_id, submission.c.data_digest == data_digest)
    return _read(connection, _ALL.where(mine).order_by(*_BY_TIME))


def with_rejected_rows(connection: Connection, member_id: int, most: int) -> list[Submission]:
    """The member's published submissions that have rejected rows, newest publication first, up to `most`."""
    mine = and_(submission.c.member_id == member_id, submission.c.state == State.PUBLISHED)
    query = _ALL.where(mine, submission.c.rejected > 0).order_by(submission.c.changed_at.desc())
    return _read(connection, query.limit(most))


def member_codes(connection: Connection) -> dict[int, str]:
    """Member codes by id."""
    return {row.id: row.code for row in connection.execute(select(member.c.id, member.c.code))}


def _row(item: Submission) -> dict[str, Any]:
    # Not dataclasses.asdict: it copies every finding's count and fact, which costs more than to write them.
    return {name: getattr(item, name) for name in Submission.__dataclass_fields__} | {
        "state": int(item.state)
    }


def _read(connection: Connection, query: Select[Any]) -> list[Submission]:
    rows = connection.execute(query).mappings()
    return [Submission(**{**row, "state": State(row["state"])}) for row in rows]
