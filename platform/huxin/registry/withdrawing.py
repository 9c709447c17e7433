"""Taking back a member's last published submission: what it wrote is void, the versions before it return."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, text

from huxin.contract import State
from huxin.registry.books import recount
from huxin.registry.delta import Ended
from huxin.registry.publishing import ITS_LOAN
from huxin.registry.tables import loan

_COLUMNS = [column.name for column in loan.columns]
_KEY = ("subject_id", "member_id", "loan_no")
_SAME = " AND ".join(f"l.{name} = t.{name}" for name in _KEY)
_SAME_KEY = " AND ".join(f"k.{name} = t.{name}" for name in _KEY)
_ALL = ", ".join(_COLUMNS)
_FROM_L = ", ".join(f"l.{name}" for name in _COLUMNS)
# What returns is the old version, said anew: recorded now, one version on.
_RETURNING = ", ".join(
    {"recorded_at": "CAST(:now AS timestamptz) AS recorded_at", "version": "t.version + 1 AS version"}.get(
        name, f"h.{name}"
    )
    for name in _COLUMNS
)

_LAST = text(f"""
    SELECT max(changed_at) FROM submission
    WHERE member_id = :member AND state IN ({State.PUBLISHED:d}, {State.WITHDRAWN:d})
""")
_TOUCHED = text("""
    CREATE TEMPORARY TABLE touched ON COMMIT DROP AS
    SELECT k.subject_id, k.member_id, k.loan_no, k.version
    FROM loan_key k JOIN loan l USING (subject_id, member_id, loan_no)
    WHERE k.member_id = :member AND l.submission_id = :id
""")
_STEPS = (
    # 1. what the submission wrote enters history as void
    f"""INSERT INTO loan_history ({_ALL}, superseded_at, superseded_by)
        SELECT {_FROM_L.replace("l.void_by", "CAST(:id AS uuid)")}, :now, NULL
        FROM touched t JOIN loan l ON {_SAME}""",
    """UPDATE loan_history h SET void_by = :id FROM loan_key k
        WHERE k.member_id = :member AND h.subject_id = k.subject_id AND h.member_id = k.member_id
          AND h.loan_no = k.loan_no AND h.submission_id = :id AND h.void_by IS NULL""",
    # 2. what it replaced returns
    f"""CREATE TEMPORARY TABLE returning_ ON COMMIT DROP AS
        SELECT DISTINCT ON (t.subject_id, t.loan_no) {_RETURNING}
        FROM touched t JOIN loan_history h USING (subject_id, member_id, loan_no)
        WHERE h.superseded_by = :id AND h.submission_id <> :id
        ORDER BY t.subject_id, t.loan_no, h.version DESC""",
    f"DELETE FROM loan l USING returning_ t WHERE {_SAME}",
    f"INSERT INTO loan ({_ALL}) SELECT {_ALL} FROM returning_",
    f"""WITH undone AS (DELETE FROM loan_adverse l USING touched t WHERE {_SAME} AND l.superseded_by = :id
            RETURNING l.*)
        INSERT INTO loan_adverse_past (subject_id, member_id, loan_no, version, superseded_by, since, until, dpd,
            overdue_amount, taken_back_at)
        SELECT subject_id, member_id, loan_no, version, superseded_by, since, until, dpd, overdue_amount, :now
        FROM undone""",
    # 3. what it brought for the first time ends
    f"""UPDATE loan l SET ended_by = {Ended.WITHDRAWN:d}, ended_on = l.as_of_date, void_by = :id,
            recorded_at = :now, version = t.version + 1, stale_as_of = NULL, stale_by = NULL
        FROM touched t WHERE {_SAME} AND l.submission_id = :id""",
    # 4. what it voided or called stale is as before
    "UPDATE loan_history SET void_by = NULL WHERE void_by = :id AND superseded_by IS NOT NULL "
    "AND submission_id <> :id AND (subject_id, member_id, loan_no) IN "
    "(SELECT subject_id, member_id, loan_no FROM touched)",
    f"UPDATE loan l SET void_by = NULL FROM returning_ t WHERE {_SAME} AND l.void_by = :id",
    """INSERT INTO loan_stale_past (subject_id, member_id, loan_no, version, stale_by, stale_as_of, marked_at,
            taken_back_at)
        SELECT l.subject_id, l.member_id, l.loan_no, l.version, l.stale_by, l.stale_as_of,
            published_at(l.member_id, l.stale_by), :now
        FROM loan_key k JOIN loan l USING (subject_id, member_id, loan_no)
        WHERE k.member_id = :member AND l.stale_by = :id""",
    """UPDATE loan l SET stale_as_of = NULL, stale_by = NULL FROM loan_key k
        WHERE k.member_id = :member AND k.subject_id = l.subject_id AND k.member_id = l.member_id
          AND k.loan_no = l.loan_no AND l.stale_by = :id""",
    # 5. the reservations that its loans had ended count again
    f"""WITH resumed AS (
            UPDATE reservation r SET state = 2, changed_at = greatest(:now, r.changed_at + interval '1 microsecond')
            WHERE r.member_id = :member AND r.state = 4
              AND r.subject_id IN (SELECT t.subject_id FROM touched t) AND NOT EXISTS ({ITS_LOAN})
            RETURNING r.id)
        INSERT INTO outbox (id, topic, body, recorded_at)
        SELECT gen_random_uuid(), 'reservation.resumed',
            jsonb_build_object('reservation', r.id, 'member', CAST(:member AS integer),
                'submission', CAST(:id AS uuid)), :now
        FROM resumed r""",
    # 6. the keys follow
    f"""UPDATE loan_key k SET version = l.version, ended_by = l.ended_by, stale = l.stale_as_of IS NOT NULL,
            role = l.role, digest = l.digest, max_dpd = l.max_dpd,
            open = l.ended_by IS NULL AND (l.status IN (1, 2, 3, 4) OR (l.status = 5 AND l.balance > 0))
        FROM touched t JOIN loan l ON {_SAME} WHERE {_SAME_KEY}""",
    """UPDATE loan_key k SET stale = NULL FROM loan l
        WHERE k.member_id = :member AND k.stale AND l.stale_as_of IS NULL AND k.subject_id = l.subject_id
          AND l.member_id = k.member_id AND l.loan_no = k.loan_no""",
    f"UPDATE submission SET state = {State.WITHDRAWN:d}, changed_at = :now WHERE member_id = :member AND id = :id",
    # 7. the member stands where its last published submission left it
    f"""UPDATE member m SET (as_of_date, as_of_sequence) = (
            SELECT s.as_of_date, max(s.sequence) FROM submission s
            WHERE s.member_id = m.id AND s.state = {State.PUBLISHED:d}
            GROUP BY s.as_of_date HAVING bool_or(s.mode <> 3) ORDER BY s.as_of_date DESC LIMIT 1)
        WHERE m.id = :member""",
    """INSERT INTO outbox (id, topic, body, recorded_at) VALUES (gen_random_uuid(), 'submission.withdrawn',
        jsonb_build_object('submission', CAST(:id AS uuid), 'member', CAST(:member AS integer)), :now)""",
)


def lock_member(connection: Connection, member_id: int) -> None:
    """Holds the member to the end of the transaction: nothing of it is loaded meanwhile."""
    connection.execute(text("SELECT id FROM member WHERE id = :member FOR UPDATE"), {"member": member_id})


def withdraw_published(connection: Connection, member_id: int, submission_id: UUID, now: datetime) -> None:
    """Takes back a published submission, in the caller's transaction.

    The caller holds the member and has seen that this is its last. History keeps everything: what the submission
    wrote stands there with `void_by` set.
    """
    last = connection.execute(_LAST, {"member": member_id}).scalar()
    moment = max(now, last + timedelta(microseconds=1)) if last else now  # as in publishing.moment
    facts = {"member": member_id, "id": submission_id, "now": moment}
    # What is changed in place is dated by it (see functions/replay.sql).
    connection.execute(text("SELECT set_config('huxin.moment', :now, true)"), {"now": moment.isoformat()})
    connection.execute(_TOUCHED, facts)
    for statement in _STEPS:
        connection.execute(text(statement), {k: v for k, v in facts.items() if f":{k}" in statement})
    recount(connection, member_id)
