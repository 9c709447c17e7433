"""Which negative entries are shown: five years, one-off repair, disputes. What is not shown does not count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from huxin.decision.codes import (
    EVENT_RELIEF,
    EVENT_SUBSTITUTION,
    KINDS,
    STATUS_ACTIVE,
    STATUS_SETTLED,
    STATUS_TRANSFERRED,
    STATUS_WRITTEN_OFF,
)
from huxin.decision.facts import Loan
from huxin.decision.policy import SET_ASIDE, Display, Repair

_UNPAID = (STATUS_WRITTEN_OFF, STATUS_TRANSFERRED)
_NOT_BY_SUBJECT = (EVENT_SUBSTITUTION, EVENT_RELIEF)


def shown(loans: Iterable[Loan], display: Display, today: date) -> tuple[Loan, ...]:
    """The loans, each without the negative entries that may no longer count. What is owed always counts."""
    oldest = years_before(today, display.negative_years)
    repair = display.repair if display.repair and display.repair.effective_on <= today else None
    return tuple([_as_shown(loan, display, oldest, repair) for loan in loans])


def _as_shown(loan: Loan, display: Display, oldest: date, repair: Repair | None) -> Loan:
    if loan.disputed and display.disputed == SET_ASIDE:
        return _without_past(replace(loan, dpd=0, overdue=0, class5=1, status=STATUS_ACTIVE))
    if loan.bad_until is None or (loan.open and loan.dpd > 0):
        return loan  # nothing that has ended; a closed loan keeps the arrears it ended with
    if loan.bad_until < oldest or (repair is not None and repaired(loan, repair)):
        return _without_past(loan)
    return loan


def repaired(loan: Loan, repair: Repair) -> bool:
    """Whether the one-off repair covers every negative entry of a loan whose default has ended.

    Where history does not tell the first day, it is reckoned back from the last by the longest dpd; where it does
    not tell the amount overdue, the principal stands for it, which it cannot exceed but by interest.
    """
    if loan.bad_until is None or KINDS[loan.kind] not in repair.kinds or not _paid(loan):
        return False
    longest = max(loan.dpd24, loan.max_dpd or 0)
    since = loan.bad_since or loan.bad_until - timedelta(days=longest)
    amount = loan.principal if loan.bad_amount is None else loan.bad_amount
    return (
        repair.arisen_from <= since <= repair.arisen_until
        and _repaid_on(loan, loan.bad_until) <= repair.repaid_by
        and amount <= repair.max_amount
    )


def _paid(loan: Loan) -> bool:
    """Paid by the subject: neither written off, sold, waived, nor paid by a guarantor."""
    return loan.status not in _UNPAID and loan.event not in _NOT_BY_SUBJECT


def _repaid_on(loan: Loan, bad_until: date) -> date:
    """The day the arrears were paid: that of closing, or the day after the last close of business with arrears."""
    return bad_until if bad_until == loan.closed_on else bad_until + timedelta(days=1)


def _without_past(loan: Loan) -> Loan:
    """The loan without its past; when it is closed, nothing negative is left of it."""
    event = None if loan.event == EVENT_SUBSTITUTION else loan.event
    past = replace(loan, dpd24=0, max_dpd=None, bad_until=None, event=event)
    return past if loan.open else replace(past, dpd=0, class5=1, status=STATUS_SETTLED)


def years_before(today: date, years: int) -> date:
    """The first day that is not more than `years` ago; 29 February counts as 1 March where the year has none."""
    try:
        return today.replace(year=today.year - years)
    except ValueError:
        return date(today.year - years, 3, 1)
