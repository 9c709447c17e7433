"""The flags: one function a rule of the policy, which gives the figures behind it when it fires."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from huxin.decision.cap_flags import multi_lender, over_cap
from huxin.decision.codes import CLASSES, CLASSES_ZH
from huxin.decision.fired import Fired
from huxin.decision.policy import exact
from huxin.decision.situation import Situation, in_hardship, is_restructured

__all__ = ["RULES", "Fired", "flags"]


def overdue(s: Situation) -> Fired | None:
    """Overdue now, overdue for long within 24 months, or a loan that ended badly and is still shown."""
    limits, past = s.policy.thresholds, s.delinquency
    late = sum([loan.dpd > limits.overdue_above_dpd for loan in s.debts])
    if not late and past.max_dpd_24m <= limits.overdue_above_dpd_24m and not past.past_defaults:
        return None
    return Fired(
        {
            "loans": late,
            "max_dpd_now": past.max_dpd_now,
            "max_dpd_24m": past.max_dpd_24m,
            "past_defaults": past.past_defaults,
        }
    )


def non_performing(s: Situation) -> Fired | None:
    """A debt, or by the cross-member rule the subject, of a class that the policy calls non-performing."""
    from_class = CLASSES.index(s.policy.thresholds.non_performing_class)
    worst, cross = s.delinquency.worst_class, s.delinquency.cross_member
    if worst < from_class:
        return None
    loans = sum([code >= from_class for code in s.delinquency.classes])
    return Fired(
        {"worst_class": CLASSES[worst], "loans": loans, "cross_member": cross},
        words={
            "worst_class_zh": CLASSES_ZH[worst],
            "cross_member_zh": "适用" if cross else "不适用",
            "cross_member_en": "met" if cross else "not met",
        },
    )


def stacking(s: Situation) -> Fired | None:
    """Others asked or reserved within the policy's days: loans may be under way that no file shows yet."""
    limits, facts = s.policy.thresholds, s.facts
    since = facts.now - timedelta(days=s.policy.stacking_days)
    reserved = sum([row.m != 0 and row.granted_at >= since for row in facts.reservations])
    if facts.recent_members < limits.stacking_members and reserved < limits.stacking_reservations:
        return None
    return Fired(
        {
            "days": s.policy.stacking_days,
            "members": facts.recent_members,
            "enquiries": facts.recent_enquiries,
            "reservations": reserved,
        }
    )


def guarantor_load(s: Situation) -> Fired | None:
    """Guarantees too many loans, too much, or one that is not being paid; the guarantee asked about included."""
    limits = s.policy.thresholds
    asked = (s.asked.amount or 0) * s.asked.new_guarantee
    loans = s.total.guaranteed_loans + s.asked.new_guarantee
    max_dpd = max([loan.dpd for loan in s.guaranteed], default=0)
    balance = s.own.guaranteed_balance + s.held(s.others.guaranteed_balance)
    if (
        loans <= limits.guaranteed_loans
        and balance + asked <= limits.guaranteed_balance
        and max_dpd <= limits.guaranteed_dpd
    ):
        return None
    return Fired(
        {
            "loans": s.total.guaranteed_loans,
            "balance": s.both(s.own.guaranteed_balance, s.others.guaranteed_balance),
            "asked": exact(asked),
            "max_dpd": max_dpd,
            "max_loans": limits.guaranteed_loans,
            "max_balance": exact(limits.guaranteed_balance),
            "above_dpd": limits.guaranteed_dpd,
        }
    )


def shared_mobile(s: Situation) -> Fired | None:
    at_least, mobile = s.policy.thresholds.shared_mobile_subjects, s.facts.mobile
    if mobile is None or mobile.subjects < at_least:
        return None
    return Fired({"subjects": mobile.subjects, "at_least": at_least})


def name_differs(s: Situation) -> Fired | None:
    differ = sum([loan.name is False for loan in s.loans])
    agree = sum([loan.name is True for loan in s.loans])
    return Fired({"differ": differ, "agree": agree}) if differ else None


def hardship(s: Situation) -> Fired | None:
    return Fired({"loans": s.delinquency.hardship}) if s.delinquency.hardship else None


def restructured(s: Situation) -> Fired | None:
    """Restructured or partly waived, but not for hardship: an arrangement in need must not count against anyone."""
    loans = sum([is_restructured(loan) and not in_hardship(loan) for loan in s.debts])
    return Fired({"loans": loans}) if loans else None


def disputed(s: Situation) -> Fired | None:
    entries = max(s.facts.disputes, sum([loan.disputed for loan in s.loans]))
    return Fired({"entries": entries}) if entries else None


def low_coverage(s: Situation) -> Fired | None:
    """Fewer members have reported than the policy's share; also when there is no member at all."""
    seen, percent = s.coverage, s.policy.thresholds.coverage_percent
    if seen.members and seen.reported * 100 >= seen.members * percent:
        return None
    return Fired(
        {
            "members": seen.members,
            "reported": seen.reported,
            "below_percent": percent,
            "days": s.policy.coverage_days,
        }
    )


RULES: Final[Mapping[str, Callable[[Situation], Fired | None]]] = MappingProxyType(
    {
        "MULTI_LENDER": multi_lender,
        "OVER_CAP": over_cap,
        "OVERDUE": overdue,
        "NON_PERFORMING": non_performing,
        "STACKING": stacking,
        "GUARANTOR_LOAD": guarantor_load,
        "SHARED_MOBILE": shared_mobile,
        "NAME_DIFFERS": name_differs,
        "HARDSHIP": hardship,
        "RESTRUCTURED": restructured,
        "DISPUTED": disputed,
        "LOW_COVERAGE": low_coverage,
    }
)


def flags(s: Situation) -> list[dict[str, Any]]:
    """The flags that fire, in the order of `RULES`: code, level, reason in both languages, figures."""
    found = []
    for code, rule in RULES.items():
        fired = rule(s)
        if fired is not None:
            text, filling = s.policy.texts[code], {**fired.figures, **fired.words}
            reason = {"zh": text.zh.format_map(filling), "en": text.en.format_map(filling)}
            level = fired.level or s.policy.levels[code]
            found.append({"code": code, "level": level, "reason": reason, "figures": fired.figures})
    return found
