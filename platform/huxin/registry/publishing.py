"""The end of a load, in its own transaction: submissions published, members moved on, the outbox told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from huxin.contract import State
from huxin.registry import books
from huxin.registry.bulk import Bulk
from huxin.registry.delta import CORRECTION

_PUBLISHED = f"""
    UPDATE submission s SET state = {State.PUBLISHED:d}, changed_at = b.recorded_at, published_at = b.recorded_at
    FROM batch b WHERE s.member_id = b.member_id AND s.id = b.submission_id
"""

_MEMBERS = f"""
    UPDATE member m SET as_of_date = b.as_of_date, as_of_sequence = b.sequence
    FROM batch b WHERE m.id = b.member_id AND (b.mode <> {CORRECTION} OR b.as_of_date = m.as_of_date)
      AND (m.as_of_date IS NULL OR (b.as_of_date, b.sequence) > (m.as_of_date, coalesce(m.as_of_sequence, 0)))
"""

_OUTBOX = """
    INSERT INTO outbox (id, topic, body, recorded_at)
    SELECT gen_random_uuid(), 'submission.published',
        jsonb_build_object('submission', s.id, 'member', s.member_id, 'as_of_date', s.as_of_date,
            'sequence', s.sequence, 'mode', s.mode, 'accepted', s.accepted, 'rejected', s.rejected,
            'data_sha256', encode(s.data_digest, 'hex'), 'ruleset', s.ruleset), b.recorded_at
    FROM batch b JOIN submission s ON s.member_id = b.member_id AND s.id = b.submission_id
"""

# What a converted reservation (r) became: as reservations_live has it.
ITS_LOAN = """
    SELECT FROM loan l
    WHERE l.subject_id = r.subject_id AND l.member_id = r.member_id AND l.void_by IS NULL
      AND (l.loan_no = r.loan_no OR l.contract_no = r.contract_no)
      AND l.disbursed_on >= (r.granted_at AT TIME ZONE 'Asia/Shanghai')::date
"""
# A converted reservation is over when its loan stands in the book; the partial index makes this nothing for most.
_ENDED = f"""
    WITH ended AS (
        UPDATE reservation r
        SET state = 4, changed_at = greatest(b.recorded_at, r.changed_at + interval '1 microsecond')
        FROM batch b
        WHERE r.member_id = b.member_id AND r.state = 2 AND EXISTS ({ITS_LOAN})
        RETURNING r.id, r.member_id, b.submission_id, b.recorded_at)
    INSERT INTO outbox (id, topic, body, recorded_at)
    SELECT gen_random_uuid(), 'reservation.ended',
        jsonb_build_object('reservation', id, 'member', member_id, 'submission', submission_id), recorded_at
    FROM ended
"""


def lock_members(bulk: Bulk, member_ids: list[int]) -> None:
    """Holds the members' rows to the end of the transaction: one load a member at a time."""
    marks = ", ".join(str(int(number)) for number in sorted(set(member_ids)))
    bulk.run(f"SELECT id FROM member WHERE id IN ({marks}) ORDER BY id FOR UPDATE")


def moment(bulk: Bulk, member_ids: Sequence[int], now: datetime) -> datetime:
    """When these members' load is recorded: now, yet after whatever they published or took back before.

    Under their locks. So each member's submissions stand in the order of publication, whatever the clock does. The
    database is told the moment too: it dates what the load changes in place (see functions/replay.sql).
    """
    marks = ", ".join(str(int(number)) for number in sorted(set(member_ids)))
    states = f"{State.PUBLISHED:d}, {State.WITHDRAWN:d}"
    ((last,),) = bulk.rows(
        f"SELECT max(changed_at) FROM submission WHERE member_id IN ({marks}) AND state IN ({states})"
    )
    found = now if last is None else max(now, last + timedelta(microseconds=1))
    bulk.rows(f"SELECT set_config('huxin.moment', '{found.isoformat()}', true)")
    return found


def note_vanished(bulk: Bulk, counts: dict[int, tuple[int, str]]) -> None:
    """Writes W4003 for submissions: how many open loans vanished and what the finding says of them, masked."""
    for sub, (vanished, masked) in counts.items():
        bulk.run(
            f"""
            UPDATE submission s SET vanished = {int(vanished)},
                codes = codes || jsonb_build_object('W4003', {int(vanished)})
            FROM batch b WHERE b.sub = {int(sub)} AND s.member_id = b.member_id AND s.id = b.submission_id
            """,
            f"""
            INSERT INTO finding (member_id, submission_id, record, code, field, masked)
            SELECT b.member_id, b.submission_id, 0, 'W4003', 'loan_no', '{masked}' FROM batch b
            WHERE b.sub = {int(sub)} ON CONFLICT DO NOTHING
            """,
        )


def await_confirmation(bulk: Bulk, subs: list[int]) -> None:
    """Marks submissions as waiting for the member's word."""
    if subs:
        marks = ", ".join(str(int(sub)) for sub in subs)
        bulk.run(
            f"""
            UPDATE submission s SET state = {State.AWAITING_CONFIRMATION:d}, changed_at = b.recorded_at
            FROM batch b WHERE b.sub IN ({marks}) AND s.member_id = b.member_id AND s.id = b.submission_id
            """
        )


def publish(bulk: Bulk) -> None:
    """Publishes every submission of the batch, sums up what its members' books became, and ends the reservations whose
    loans have come. The caller commits.
    """
    bulk.run(_PUBLISHED, _MEMBERS, *books.SETTLE, _OUTBOX, _ENDED)
