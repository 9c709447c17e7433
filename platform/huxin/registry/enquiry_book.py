"""Enquiries of every member, and the operator's own, as an operator or an auditor looks them up."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, text

from huxin.registry.checks import OPERATOR

_ENTRY = """
    k.enquiry_id, m.code, k.member_id, e.asked_at, e.purpose, e.product, e.amount, e.consent_no, e.consent_until,
    e.staff, e.reference, e.policy, e.tier
"""
# Keys lie by member, so each member's are looked into: an enquiry's number alone leads to no row of enquiries.
_ASKERS = f"(SELECT id FROM member UNION ALL SELECT {OPERATOR}) x(id)"
_FIND = text(f"""
    SELECT {_ENTRY}, e.facts, e.answer
    FROM {_ASKERS} JOIN enquiry_key k ON k.member_id = x.id AND k.enquiry_id = :id
    JOIN enquiry e ON e.subject_id = k.subject_id AND e.id = k.enquiry_id JOIN member m ON m.id = e.member_id
""")
_LIST = text(f"""
    SELECT f.* FROM {_ASKERS} CROSS JOIN LATERAL (
        SELECT {_ENTRY} FROM enquiry_key k
        JOIN enquiry e ON e.subject_id = k.subject_id AND e.id = k.enquiry_id JOIN member m ON m.id = e.member_id
        WHERE k.member_id = x.id AND (CAST(:member AS text) IS NULL OR m.code = :member)
          AND k.enquiry_id >= id_floor(:since) AND (CAST(:before AS uuid) IS NULL OR k.enquiry_id < :before)
        ORDER BY k.enquiry_id DESC LIMIT :most) f
    WHERE CAST(:member AS text) IS NULL OR x.id = {OPERATOR} OR x.id = (SELECT id FROM member WHERE code = :member)
    ORDER BY f.enquiry_id DESC LIMIT :most
""")


@dataclass(frozen=True)
class Entry:
    """Who asked what for, of nobody in particular. `keyed` is whose key it stands under: a member's or OPERATOR."""

    id: UUID
    member: str
    keyed: int
    asked_at: datetime
    purpose: str
    product: int | None
    amount: int | None
    consent_no: str | None
    consent_until: date | None
    staff: str | None
    reference: str | None
    policy: str
    tier: str

    @property
    def by_operator(self) -> bool:
        return self.keyed == OPERATOR


@dataclass(frozen=True)
class Kept:
    """An enquiry with what is sealed of it."""

    entry: Entry
    facts: bytes = field(repr=False)
    answer: bytes = field(repr=False)


def find_enquiry(connection: Connection, enquiry_id: UUID) -> Kept | None:
    """The enquiry of that number, whoever asked it; None when there is none."""
    row = connection.execute(_FIND, {"id": enquiry_id}).one_or_none()
    return None if row is None else Kept(Entry(*row[:-2]), bytes(row[-2]), bytes(row[-1]))


def list_enquiries(
    connection: Connection, member: str | None, since: datetime, before: UUID | None, most: int
) -> list[Entry]:
    """At the most `most` enquiries, the newest first: of one member or of all, put since then and before that one.

    An operator's questions stand among those of the member on whose behalf they were put.
    """
    values = {"member": member, "since": since, "before": before, "most": most}
    return [Entry(*row) for row in connection.execute(_LIST, values)]
