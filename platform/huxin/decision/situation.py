"""Everything a flag looks at, worked out once: shown loans, exposure, delinquency, what is asked, the policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from huxin.decision.classes import class_rules_on
from huxin.decision.codes import (
    CLASSES,
    EVENT_RELIEF,
    EVENT_SUBSTITUTION,
    HARDSHIP_NONE,
    ROLE_GUARANTOR,
    STATUS_RESTRUCTURED,
    STATUS_TRANSFERRED,
    STATUS_WRITTEN_OFF,
    SUBSTANDARD,
)
from huxin.decision.display import shown, years_before
from huxin.decision.exposure import Part, part
from huxin.decision.facts import Asked, Coverage, Facts, Loan
from huxin.decision.policy import EXACT, Policy, Tier, exact

Money = Callable[[int], str]
Held = Callable[[int], int]
Both = Callable[[int, int], str]


@dataclass(slots=True)
class Delinquency:
    """`worst_class` a code or 0 without a debt, `classes` those of the debts, days, numbers of loans."""

    worst_class: int
    classes: tuple[int, ...]
    cross_member: bool
    max_dpd_now: int
    max_dpd_24m: int
    past_defaults: int
    restructured: bool
    hardship: int


@dataclass(slots=True)
class Situation:
    """One subject before one question. `money` writes an amount as the member's tier may see it, `both` own and others'
    together; `held` is what others' come to where they are held against a limit: no tier learns more by it."""

    facts: Facts
    coverage: Coverage
    policy: Policy
    asked: Asked
    tier: Tier
    money: Money
    both: Both
    held: Held
    loans: tuple[Loan, ...]
    debts: tuple[Loan, ...]
    guaranteed: tuple[Loan, ...]
    own: Part
    others: Part
    total: Part
    delinquency: Delinquency


def situation(facts: Facts, coverage: Coverage, policy: Policy, asked: Asked, tier: Tier) -> Situation:
    """Works everything out. Negative entries that may not be shown are gone from here on."""
    loans = shown(facts.loans, policy.display, facts.today)
    debts = tuple([loan for loan in loans if loan.is_debt])
    own, others = (_part_of(facts, loans, mine) for mine in (True, False))
    return Situation(
        facts=facts,
        coverage=coverage,
        policy=policy,
        asked=asked,
        tier=tier,
        money=exact if tier.amounts == EXACT else policy.band,
        both=_both_as(policy, tier),
        held=_to_the_cent if tier.amounts == EXACT else policy.held,
        loans=loans,
        debts=debts,
        guaranteed=tuple([loan for loan in loans if loan.open and loan.role == ROLE_GUARANTOR]),
        own=own,
        others=others,
        total=own.plus(others),
        delinquency=delinquency(facts, loans, debts),
    )


def _both_as(policy: Policy, tier: Tier) -> Both:
    if tier.amounts == EXACT:
        return _exactly
    # Policies that hold to the cent are as they were before they could do otherwise: stored answers quote them.
    return policy.bands_added if policy.others_in_steps else lambda own, others: policy.band(own + others)


def _exactly(own: int, others: int) -> str:
    return exact(own + others)


def _to_the_cent(cents: int) -> int:
    return cents


def _part_of(facts: Facts, loans: Sequence[Loan], mine: bool) -> Part:
    return part(
        [loan for loan in loans if (loan.m == 0) is mine],
        [reservation for reservation in facts.reservations if (reservation.m == 0) is mine],
        facts.today,
    )


def delinquency(facts: Facts, loans: Sequence[Loan], debts: Sequence[Loan]) -> Delinquency:
    """How the subject pays and has paid; what it merely guarantees is no part of it."""
    rules = class_rules_on(facts.today)
    classes = tuple([rules.of_loan(loan) for loan in debts])
    by_subject = rules.of_subject(debts)
    owed = [loan for loan in loans if loan.role != ROLE_GUARANTOR]
    now = max([loan.dpd for loan in debts], default=0)
    since = years_before(facts.today, 2)
    return Delinquency(
        worst_class=max(*classes, by_subject, 0) if classes else 0,
        classes=classes,
        cross_member=by_subject > 0,
        max_dpd_now=now,
        max_dpd_24m=max(now, max([loan.dpd24 for loan in owed if _lately(loan, since)], default=0)),
        past_defaults=sum([past_default(loan) for loan in owed]),
        restructured=any(is_restructured(loan) for loan in debts),
        hardship=sum([in_hardship(loan) for loan in debts]),
    )


def _lately(loan: Loan, since: date) -> bool:
    """Whether a loan's arrears reach into the 24 months: those of a closed one may have ended long before."""
    return loan.bad_until is None or loan.bad_until >= since


def past_default(loan: Loan) -> bool:
    """A loan that ended badly: written off, paid by a guarantor, or sold as non-performing."""
    return not loan.open and (
        loan.status == STATUS_WRITTEN_OFF
        or loan.event == EVENT_SUBSTITUTION
        or (loan.status == STATUS_TRANSFERRED and loan.class5 >= SUBSTANDARD)
    )


def is_restructured(loan: Loan) -> bool:
    return loan.status == STATUS_RESTRUCTURED or loan.event == EVENT_RELIEF


def in_hardship(loan: Loan) -> bool:
    return loan.hardship is not None and loan.hardship != HARDSHIP_NONE


def class_name(code: int) -> str | None:
    """The label of a class code; None for 0, no debt at all."""
    return CLASSES[code] or None
