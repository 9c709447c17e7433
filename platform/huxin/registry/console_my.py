"""What a member asked and reserved, for its own pages: newest first, by the member's own directories."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, text

from huxin.registry.reservations import Reservation, as_it_stands

_ENQUIRIES = text("""
    SELECT e.id, e.asked_at, e.purpose, e.product, e.amount, e.consent_no, e.consent_until, e.staff, e.reference,
        e.policy, e.answer
    FROM (
        SELECT subject_id, enquiry_id FROM enquiry_key
        WHERE member_id = :member AND (CAST(:before AS uuid) IS NULL OR enquiry_id < :before)
        ORDER BY enquiry_id DESC LIMIT :most
    ) k JOIN enquiry e ON e.subject_id = k.subject_id AND e.id = k.enquiry_id
    ORDER BY e.id DESC
""")
_RESERVATIONS = text("""
    SELECT r.id, r.enquiry_id, r.state, r.product, r.amount, r.granted_at, r.expires_at, r.changed_at, r.loan_no,
        r.contract_no
    FROM (
        SELECT subject_id, reservation_id FROM reservation_key
        WHERE member_id = :member AND (CAST(:before AS uuid) IS NULL OR reservation_id < :before)
        ORDER BY reservation_id DESC LIMIT :most
    ) k JOIN reservation r ON r.subject_id = k.subject_id AND r.id = k.reservation_id
    ORDER BY r.id DESC
""")

_HELD = text("""
    SELECT r.id, r.enquiry_id, r.state, r.product, r.amount, r.granted_at, r.expires_at, r.changed_at, r.loan_no,
        r.contract_no
    FROM enquiry_key k JOIN reservation r ON r.subject_id = k.subject_id AND r.enquiry_id = k.enquiry_id
    WHERE k.member_id = :member AND k.enquiry_id = :enquiry AND r.member_id = :member
    ORDER BY r.id DESC
""")


@dataclass(frozen=True)
class OwnEnquiry:
    """An enquiry of the member's own; the answer is sealed, the amount in cents, the product a label code."""

    id: UUID
    asked_at: datetime
    purpose: str
    product: int | None
    amount: int | None
    consent_no: str | None
    consent_until: date | None
    staff: str | None
    reference: str | None
    policy: str
    answer: bytes = field(repr=False)


def own_enquiries(database: Connection, member_id: int, before: UUID | None, most: int) -> list[OwnEnquiry]:
    """The member's enquiries put before that one, or the newest; none of an operator's on its behalf."""
    values = {"member": member_id, "before": before, "most": most}
    rows = database.execute(_ENQUIRIES, values).mappings()
    return [OwnEnquiry(**{**row, "answer": bytes(row["answer"])}) for row in rows]


def own_reservations(
    database: Connection, member_id: int, before: UUID | None, most: int, now: datetime
) -> list[Reservation]:
    """The member's reservations, newest first, as they stand now."""
    values = {"member": member_id, "before": before, "most": most}
    return [as_it_stands(row, now) for row in database.execute(_RESERVATIONS, values)]


def reservations_of(
    database: Connection, member_id: int, enquiry_id: UUID, now: datetime
) -> list[Reservation]:
    """What the member reserved on one of its enquiries, newest first, as it stands now."""
    values = {"member": member_id, "enquiry": enquiry_id}
    return [as_it_stands(row, now) for row in database.execute(_HELD, values)]
