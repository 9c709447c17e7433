"""What past enquiries were decided on, one after another, to work them out by another policy; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from huxin.registry.session import connection
from huxin.settings import Settings

# Rows that the registry hands over at a time: a few megabytes, however long the month was.
_AT_ONCE: Final = 2_000
# The operator's own questions are nobody's applications.
_WITHIN: Final = """
    FROM enquiry e WHERE e.id >= id_floor(:since) AND e.id < id_floor(:until) AND e.purpose <> 'operator_check'
"""
_COUNT = text(f"SELECT count(*) {_WITHIN}")
_PLAIN: Final = "NULL::integer, NULL::integer"
# As enquiry_gather counts others' enquiries of the policy's days.
_RECENT: Final = """
    r.enquiries, r.members
"""
_LATERAL: Final = """
    CROSS JOIN LATERAL (
        SELECT count(*)::integer AS enquiries, count(DISTINCT o.member_id)::integer AS members FROM enquiry o
        WHERE o.subject_id = e.subject_id AND o.member_id <> e.member_id AND o.purpose IN ('application', 'guarantee')
          AND o.id >= id_floor(e.asked_at - make_interval(days => :days))
          AND o.id < id_floor(e.asked_at + interval '1 minute')
          AND o.asked_at > e.asked_at - make_interval(days => :days) AND o.asked_at < e.asked_at
    ) r
"""
_ROWS: Final = """
    SELECT e.id, m.kind, e.asked_at, e.facts, {counts}
    FROM (SELECT e.* {within}) e JOIN member m ON m.id = e.member_id {lateral}
"""


@dataclass(frozen=True)
class PastEnquiry:
    """One enquiry; `facts` is sealed. The counts are others' of so many days before it, where they were asked for."""

    id: UUID
    kind: str
    asked_at: datetime
    facts: bytes = field(repr=False)
    recent_enquiries: int | None
    recent_members: int | None


@contextmanager
def reading(settings: Settings) -> Iterator[Connection]:
    """A transaction in which nothing can be written, and all that is read is of one moment."""
    with connection(settings) as database:
        database.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        yield database


def count_enquiries(database: Connection, since: datetime, until: datetime) -> int:
    """How many members' enquiries were put from `since` to before `until`."""
    return int(database.execute(_COUNT, {"since": since, "until": until}).scalar_one())


def past_enquiries(
    database: Connection, since: datetime, until: datetime, recent_days: int | None
) -> Iterator[PastEnquiry]:
    """Members' enquiries from `since` to before `until`, in no order, a bounded number in memory.

    With `recent_days` each comes with others' enquiries of so many days before it, as the registry would have counted.
    """
    parts = (_PLAIN, "") if recent_days is None else (_RECENT, _LATERAL)
    query = text(_ROWS.format(counts=parts[0], within=_WITHIN, lateral=parts[1]))
    values: dict[str, object] = {"since": since, "until": until}
    if recent_days is not None:
        values["days"] = recent_days
    streamed = database.execution_options(stream_results=True, yield_per=_AT_ONCE)
    for row in streamed.execute(query, values):
        yield PastEnquiry(*row)
