"""What a subject owes, guarantees and has been promised: the asking member's part and the others', exactly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from huxin.decision.codes import (
    METHOD_BULLET,
    METHOD_EQUAL,
    ROLE_GUARANTOR,
    STATUS_WRITTEN_OFF,
)
from huxin.decision.facts import Loan, Reservation

DAYS_A_MONTH = 30


@dataclass(slots=True)
class Part:
    """Counts and amounts in cents; `debt_service` a month. Open loans as the contract counts them."""

    lenders: int
    open_loans: int
    outstanding: int
    debt_service: int
    guaranteed_loans: int
    guaranteed_balance: int
    pending: int
    pending_amount: int

    def plus(self, other: Part) -> Part:
        """Both parts together: right for lenders too, since own and others are never the same."""
        return Part(
            self.lenders + other.lenders,
            self.open_loans + other.open_loans,
            self.outstanding + other.outstanding,
            self.debt_service + other.debt_service,
            self.guaranteed_loans + other.guaranteed_loans,
            self.guaranteed_balance + other.guaranteed_balance,
            self.pending + other.pending,
            self.pending_amount + other.pending_amount,
        )


def part(loans: Iterable[Loan], reservations: Sequence[Reservation], today: date) -> Part:
    """The part that these loans (open ones count) and reservations make."""
    lenders: set[int] = set()
    open_loans = outstanding = service = guaranteed = guaranteed_balance = 0
    for loan in loans:
        if not loan.open:
            continue
        if loan.role == ROLE_GUARANTOR:
            guaranteed += 1
            guaranteed_balance += loan.balance
            continue
        lenders.add(loan.m)
        open_loans += 1
        outstanding += loan.balance
        service += monthly(loan, today)
    promised = sum([reservation.amount for reservation in reservations])
    return Part(
        lenders=len(lenders),
        open_loans=open_loans,
        outstanding=outstanding,
        debt_service=service,
        guaranteed_loans=guaranteed,
        guaranteed_balance=guaranteed_balance,
        pending=len(reservations),
        pending_amount=promised,
    )


def monthly(loan: Loan, today: date) -> int:
    """What an open loan costs its debtor a month, in cents, rounded up.

    Equal instalments: the next one. Interest first: the next interest, and the balance over the months left, for
    the end has to be saved for; when the next payment holds the principal already, that over the months left.
    Bullet: what is due at the end over the months left. Without a next payment: the balance over the months or terms
    left. Nothing for what is written off, which has no instalments any more. Arrears are not spread: they are due.
    """
    if loan.status == STATUS_WRITTEN_OFF:
        return 0
    months = max(1, -((today - loan.due_on).days // DAYS_A_MONTH))
    due = loan.next_due
    if due is None:
        terms = loan.terms_left or months
        return _spread(loan.balance, terms if loan.method == METHOD_EQUAL else months)
    if loan.method == METHOD_EQUAL:
        return due
    if loan.method == METHOD_BULLET or due >= loan.balance:
        return _spread(max(due, loan.balance), months)
    return due + _spread(loan.balance, months)


def _spread(cents: int, months: int) -> int:
    return -(-cents // months)
