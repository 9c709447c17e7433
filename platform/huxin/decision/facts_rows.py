"""The rows that facts are made of: loans, reservations, counts of enquiries.

Values that nobody changes, like all that a decision works out of them; yet not frozen, for a frozen one sets each of
its fields by a call of its own, which was a fifth of a decision's time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from huxin.decision.codes import ROLE_GUARANTOR


@dataclass(slots=True)
class Loan:
    """One party's row of a loan, over all members. Amounts in cents, codes as in loan/v1.

    `m` is 0 for the asking member and else an ordinal that says nothing outside these facts. `dpd24` is the greatest
    dpd in 24 months, `bad_until` the last day of a default that has ended. `bad_since` (first day of the negative
    entries) and `bad_amount` (greatest overdue amount) are None where history does not tell.
    """

    m: int
    role: int
    kind: int
    product: int
    status: int
    class5: int
    balance: int
    principal: int
    next_due: int | None
    overdue: int
    dpd: int
    max_dpd: int | None
    dpd24: int
    bad_until: date | None
    disbursed_on: date
    due_on: date
    closed_on: date | None
    method: int
    terms_left: int | None
    event: int | None
    hardship: int | None
    open: bool
    disputed: bool
    name: bool | None
    bad_since: date | None = None
    bad_amount: int | None = None

    @property
    def is_debt(self) -> bool:
        """Open and owed, not merely guaranteed."""
        return self.open and self.role != ROLE_GUARANTOR


@dataclass(slots=True)
class Reservation:
    """A promise to lend that still holds; amount in cents."""

    m: int
    amount: int
    granted_at: datetime
    expires_at: datetime


@dataclass(slots=True)
class EnquiryCount:
    """Enquiries of one kind of lender; `counts` in 7, 15, 30, 90, 180, 365 days."""

    own: bool
    kind: str
    counts: tuple[int, ...]


@dataclass(slots=True)
class Mobile:
    """What is known of the mobile number asked with: with how many subjects it stands, and who asked."""

    subjects: int
    enquiries: tuple[EnquiryCount, ...]
