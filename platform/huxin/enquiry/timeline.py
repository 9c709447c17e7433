"""An own enquiry's months of arrears, for the page of its answer: as they were known at the very moment it was put.

No part of the answer and nothing that an enquiry waits for: it is read from the registry's two-time history when
somebody looks, and gives the same as long as that history is held. It shows what the answer's tier shows of arrears,
and hides what the answer's policy version hid.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from huxin.decision.arrears import Month, Paid, Spell, months_of
from huxin.decision.facts import Facts
from huxin.decision.facts_rows import Loan
from huxin.enquiry.answering import Used
from huxin.enquiry.desk import Desk
from huxin.enquiry.sealing import FACTS, opened
from huxin.errors import HuxinError
from huxin.registry import enquiries
from huxin.registry.arrears import PaidRow, paid_at
from huxin.registry.policies import policy_version
from huxin.registry.session import connection

SECTION = "delinquency"


def months_told(desk: Desk, member_id: int, enquiry_id: UUID) -> list[Month] | None:
    """The months; None where the tier sees no arrears, empty where the subject had no loan.

    HuxinError H1205 (not the member's), H1217 (what was known then is not held any more), H1513 (nor its policy).
    """
    stored = enquiries.fetch(desk.live, member_id, enquiry_id)
    if stored is None:
        raise HuxinError("H1205")
    kept = opened(desk.keys.seal_keys, FACTS, enquiry_id, stored.facts)
    used = Used.restored(kept, lambda version: policy_version(desk.settings, version))
    if SECTION not in used.policy.tier(used.tier).sections:
        return None
    facts = Facts.from_json(used.facts)
    if not facts.loans:
        return []
    with connection(desk.settings) as database:
        rows = paid_at(database, member_id, stored.subject_id, stored.asked_at)
    paid = [_paid(row) for row in rows]
    # What the answer was made of says whether this is still all that was known then: a version that is dropped is a
    # loan that is missing, or one with other arrears.
    if [_known(each, facts.today) for each in paid] != [_told(each) for each in facts.loans]:
        raise HuxinError("H1217")
    return months_of(facts, used.policy.display, paid)


def _known(paid: Paid, today: date) -> tuple[object, ...]:
    longest = max([each.dpd for each in paid.spells if each.until >= _two_years_before(today)], default=0)
    return paid.own, paid.role, paid.since, longest


def _told(loan: Loan) -> tuple[object, ...]:
    return loan.m == 0, loan.role, loan.disbursed_on, loan.dpd24


def _two_years_before(today: date) -> date:
    """As the registry reckons 24 months (enquiry_gather): 29 February counts as the 28th where the year has none."""
    day = 28 if (today.month, today.day) == (2, 29) else today.day
    return date(today.year - 2, today.month, day)


def _paid(row: PaidRow) -> Paid:
    return Paid(row.own, row.role, row.since, row.until, tuple([Spell(*each) for each in row.spells]))
