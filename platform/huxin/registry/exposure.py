"""What a subject owes, in how many members' books: one row a question, exactly as the contract counts."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

# Counting (contract): open loans as primary or co-borrower; what is guaranteed stands apart. An unchanged loan is
# as of its member's newest day, a stale one as of the last day it was confirmed.
_SUMMARY = text("""
    WITH asked AS (
        SELECT DISTINCT q.number, a.subject_id
        FROM unnest(CAST(:numbers AS integer[]), CAST(:tokens AS uuid[]), CAST(:schemes AS smallint[]))
            AS q(number, token, scheme)
        JOIN alias a ON a.token = q.token AND a.scheme = q.scheme
    ), held AS (
        SELECT asked.number, l.member_id, l.loan_no, l.role, l.balance, l.member_id = :asking AS own,
            coalesce(coalesce(l.stale_as_of, greatest(m.as_of_date, l.as_of_date)) - l.overdue_since, 0) AS dpd,
            l.ended_by IS NULL AND l.void_by IS NULL
                AND (l.status IN (1, 2, 3, 4) OR (l.status = 5 AND l.balance > 0)) AS open
        FROM asked JOIN loan l USING (subject_id) JOIN member m ON m.id = l.member_id
        WHERE l.void_by IS NULL
    )
    SELECT number, count(*) > 0 AS known,
        count(DISTINCT member_id) FILTER (WHERE open AND role < 3) AS lenders,
        count(DISTINCT member_id) FILTER (WHERE open AND role < 3 AND own) AS lenders_own,
        count(DISTINCT (member_id, loan_no)) FILTER (WHERE open AND role < 3) AS open_loans,
        count(DISTINCT (member_id, loan_no)) FILTER (WHERE open AND role < 3 AND own) AS open_loans_own,
        coalesce(sum(balance) FILTER (WHERE open AND role < 3), 0) AS outstanding,
        coalesce(sum(balance) FILTER (WHERE open AND role < 3 AND own), 0) AS outstanding_own,
        coalesce(max(dpd) FILTER (WHERE open AND role < 3), 0) AS max_dpd,
        count(DISTINCT (member_id, loan_no)) FILTER (WHERE open AND role = 3) AS guaranteed_loans,
        coalesce(sum(balance) FILTER (WHERE open AND role = 3), 0) AS guaranteed_balance
    FROM held GROUP BY number
""")


@dataclass(frozen=True)
class Exposure:
    """One subject over all members; `_own` is the asking member's part. Amounts in cents, dpd in days."""

    known: bool = False
    lenders: int = 0
    lenders_own: int = 0
    open_loans: int = 0
    open_loans_own: int = 0
    outstanding: int = 0
    outstanding_own: int = 0
    max_dpd: int = 0
    guaranteed_loans: int = 0
    guaranteed_balance: int = 0


NOTHING = Exposure()


def exposures(
    connection: Connection, asking: int, questions: list[tuple[int, bytes, int]], count: int
) -> list[Exposure]:
    """Answers for questions 0 to `count` - 1, each asked by one or more (number, token, scheme)."""
    found = connection.execute(
        _SUMMARY,
        {
            "numbers": [number for number, _, _ in questions],
            "tokens": [UUID(bytes=token) for _, token, _ in questions],
            "schemes": [scheme for _, _, scheme in questions],
            "asking": asking,
        },
    )
    answers = [NOTHING] * count
    for row in found.mappings():
        counts = {name: int(row[name]) for name in Exposure.__dataclass_fields__ if name != "known"}
        answers[row["number"]] = Exposure(known=row["known"], **counts)
    return answers


def members_reporting(connection: Connection) -> tuple[int, int, str | None]:
    """(active members, those that ever reported, the oldest newest as-of date): the answer's coverage."""
    row = connection.execute(
        text("SELECT count(*), count(as_of_date), min(as_of_date)::text FROM member WHERE status = 'active'")
    ).one()
    return row[0], row[1], row[2]
