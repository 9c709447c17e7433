"""How a subject's loans were paid, as it was known at a moment: what an answer's facts sum up, spell by spell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

# The days are those of enquiry_facts_at (functions/replay.sql), and so is the order: row for row the same loans.
_PAID: Final = text("""
    SELECT l.member_id = :member, l.role, l.disbursed_on,
        CASE WHEN NOT d.open THEN coalesce(l.closed_on, d.effective) END, l.overdue_since, d.effective,
        CASE WHEN l.version > 1 THEN a.since END, a.until, a.dpd
    FROM loans_at(:subject, CAST(:at AS timestamptz)) l
    JOIN members_at(CAST(:at AS timestamptz)) m ON m.id = l.member_id
    CROSS JOIN LATERAL (
        SELECT coalesce(l.stale_as_of, greatest(
                CASE WHEN l.ended_by IS NULL THEN m.as_of_date ELSE l.ended_on - 1 END, l.as_of_date)) AS effective,
            l.ended_by IS NULL AND (l.status IN (1, 2, 3, 4) OR (l.status = 5 AND l.balance > 0)) AS open
    ) d
    LEFT JOIN LATERAL (
        SELECT array_agg(x.since ORDER BY x.since, x.until) AS since,
            array_agg(x.until ORDER BY x.since, x.until) AS until, array_agg(x.dpd ORDER BY x.since, x.until) AS dpd
        FROM adverse_at(l.subject_id, l.member_id, l.loan_no, CAST(:at AS timestamptz)) x WHERE x.dpd > 0
    ) a ON true
    ORDER BY l.disbursed_on, l.member_id, l.loan_no
""")


@dataclass(frozen=True)
class PaidRow:
    """One loan: whether the member's own, its party's role, from when to when it was owed, and its arrears.

    `spells` are (first day past due, last day it was known to be, days past due then); the present ones come last.
    """

    own: bool
    role: int
    since: date
    until: date | None
    spells: Sequence[tuple[date, date, int]]


def paid_at(database: Connection, member_id: int, subject_id: UUID, at: datetime) -> list[PaidRow]:
    """All loans of a subject that were known at that moment, in the order of its facts.

    Where history of that moment was dropped, versions are missing: compare with the facts that were stored.
    """
    values = {"member": member_id, "subject": subject_id, "at": at}
    return [_row(*row) for row in database.execute(_PAID, values)]


def _row(
    own: bool,
    role: int,
    since: date,
    until: date | None,
    overdue_since: date | None,
    effective: date,
    sinces: list[date] | None,
    untils: list[date] | None,
    dpds: list[int] | None,
) -> PaidRow:
    spells = list(zip(sinces or (), untils or (), dpds or (), strict=False))
    if overdue_since is not None and effective > overdue_since:
        spells.append((overdue_since, effective, (effective - overdue_since).days))
    return PaidRow(own, role, since, until, spells)
