"""The line of JSON that an operator's question is answered with: counts as ever, and the whole answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from huxin.audit.records import moment_text
from huxin.decision import Facts, canonical, decide
from huxin.decision.facts import Loan
from huxin.enquiry.answering import Used
from huxin.enquiry.ask import Answer, answer_object
from huxin.enquiry.check_words import Account
from huxin.registry.exposure import Exposure
from huxin.registry.replay import Reach, When

_GUARANTOR = 3


@dataclass(frozen=True)
class Head:
    """What the answers of one bunch have in common: the act, on whose behalf, when it was put, as of when, by whom."""

    act: UUID
    member: str
    asked_at: datetime
    when: When
    account: Account

    def facts(self) -> dict[str, Any]:
        """As JSON; nothing of any subject."""
        said, at = self.account, self.when.at
        return {
            "act": str(self.act),
            "member": self.member,
            "as_of": None if at is None else moment_text(at),
            "staff": said.staff,
            "reason": said.reason,
        }


def checked_line(head: Head, enquiry_id: UUID, subject: UUID | None, used: Used, reach: Reach) -> bytes:
    """The line of a question that was answered; without a known subject there is no enquiry on record to name."""
    facts = Facts.from_json(used.facts)
    oldest, days = reach.oldest_as_of, used.policy.coverage_days
    told = answer_object(Answer(_exposure(facts.loans))) | {
        "coverage": {
            "members": reach.members,
            # As the answer and its flags count it, so that one line never tells two coverages.
            "reported": used.coverage.reported,
            "days": days,
            "ever": reach.ever,
            "oldest_as_of": None if oldest is None else oldest.isoformat(),
        },
        "enquiry_id": None if subject is None else str(enquiry_id),
        "asked_at": moment_text(head.asked_at),
        "answer": decide(facts, used.coverage, used.policy, used.asked, used.tier),
    }
    return canonical(told | head.facts())


def fault_line(codes: str) -> bytes:
    """The line of an identifier that is none: what is wrong with it."""
    return canonical({"error": "H0801", "codes": codes.split(", ")})


def _exposure(loans: Iterable[Loan]) -> Exposure:
    """As the contract counts: open loans as primary or co-borrower; what is guaranteed stands apart."""
    held = tuple(loans)
    owed = [loan for loan in held if loan.open and loan.role != _GUARANTOR]
    backed = [loan for loan in held if loan.open and loan.role == _GUARANTOR]
    own = [loan for loan in owed if loan.m == 0]
    return Exposure(
        known=bool(held),
        lenders=len({loan.m for loan in owed}),
        lenders_own=int(bool(own)),
        open_loans=len(owed),
        open_loans_own=len(own),
        outstanding=sum(loan.balance for loan in owed),
        outstanding_own=sum(loan.balance for loan in own),
        max_dpd=max((loan.dpd for loan in owed), default=0),
        guaranteed_loans=len(backed),
        guaranteed_balance=sum(loan.balance for loan in backed),
    )
