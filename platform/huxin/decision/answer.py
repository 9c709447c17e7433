"""Facts, coverage, a policy and a question become the answer: the same values give the same bytes, at any time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from huxin.decision.codes import LEVELS, OUTCOMES, WINDOWS
from huxin.decision.exposure import Part
from huxin.decision.facts import Asked, Coverage, EnquiryCount, Facts
from huxin.decision.flags import flags
from huxin.decision.policy import Policy
from huxin.decision.situation import Both, Money, Situation, class_name, situation

_NONE = (0,) * len(WINDOWS)


def decide(facts: Facts, coverage: Coverage, policy: Policy, asked: Asked, tier: str) -> dict[str, Any]:
    """The answer's body, its keys in a fixed order; docs/answer.md explains each. No member is named.

    A member sees what its tier shows; everyone sees the outcome, the number of lenders and the coverage.
    HuxinError H1511 when the policy does not know the tier.
    """
    seen = policy.tier(tier)
    s = situation(facts, coverage, policy, asked, seen)
    raised = flags(s)
    worst = max([LEVELS.index(flag["level"]) for flag in raised], default=0)
    parts: dict[str, Callable[[], Any]] = {
        "subject_known": lambda: bool(facts.loans),
        "flags": lambda: raised,
        "exposure": lambda: _exposure(s),
        "delinquency": lambda: _delinquency(s),
        "enquiries": lambda: _enquiries(s),
        "match": lambda: _match(s),
    }
    answer: dict[str, Any] = {"outcome": OUTCOMES[worst]}
    for name, build in parts.items():
        if name in seen.sections:
            answer[name] = build()
        elif name == "exposure":
            answer[name] = {"lenders": s.total.lenders}
    answer["coverage"] = _coverage(coverage)
    answer["policy"] = policy.version
    answer["tier"] = tier
    return answer


def canonical(answer: dict[str, Any]) -> bytes:
    """The one spelling of an answer that is sealed, hashed and compared: UTF-8 JSON with sorted keys, no blanks."""
    return orjson.dumps(answer, option=orjson.OPT_SORT_KEYS)


def _exposure(s: Situation) -> dict[str, Any]:
    return {
        **_whole(s.own, s.others, s.both),
        "own": _part(s.own, s.money),
        "others": _part(s.others, s.money),
    }


def _whole(own: Part, others: Part, both: Both) -> dict[str, Any]:
    return {
        "lenders": own.lenders + others.lenders,
        "open_loans": own.open_loans + others.open_loans,
        "outstanding": both(own.outstanding, others.outstanding),
        "monthly_debt_service": both(own.debt_service, others.debt_service),
        "guaranteed_loans": own.guaranteed_loans + others.guaranteed_loans,
        "guaranteed_balance": both(own.guaranteed_balance, others.guaranteed_balance),
        "pending_reservations": {
            "count": own.pending + others.pending,
            "amount": both(own.pending_amount, others.pending_amount),
        },
    }


def _part(part: Part, money: Money) -> dict[str, Any]:
    return {
        "lenders": part.lenders,
        "open_loans": part.open_loans,
        "outstanding": money(part.outstanding),
        "monthly_debt_service": money(part.debt_service),
        "guaranteed_loans": part.guaranteed_loans,
        "guaranteed_balance": money(part.guaranteed_balance),
        "pending_reservations": {"count": part.pending, "amount": money(part.pending_amount)},
    }


def _delinquency(s: Situation) -> dict[str, Any]:
    found = s.delinquency
    return {
        "worst_class": class_name(found.worst_class),
        "cross_member": found.cross_member,
        "max_dpd_now": found.max_dpd_now,
        "max_dpd_24m": found.max_dpd_24m,
        "past_defaults": found.past_defaults,
        "restructured": found.restructured,
        "hardship": found.hardship > 0,
    }


def _enquiries(s: Situation) -> dict[str, Any]:
    mobile, by_kind = s.facts.mobile, s.tier.by_kind
    return {
        "by_subject": _windows(s.facts.enquiries, by_kind),
        "by_mobile": None
        if mobile is None
        else {"subjects": mobile.subjects, **_windows(mobile.enquiries, by_kind)},
        "other_lenders_d30": s.facts.enquirers30,
    }


def _windows(counts: Sequence[EnquiryCount], by_kind: bool) -> dict[str, Any]:
    if not counts:
        return {
            name: {"all": 0, "own": 0, "others": 0, "by_kind": {} if by_kind else None} for name in WINDOWS
        }
    own = _sums([count for count in counts if count.own])
    others = _sums([count for count in counts if not count.own])
    kinds = sorted({count.kind for count in counts}) if by_kind else []
    split = [(kind, _sums([count for count in counts if count.kind == kind])) for kind in kinds]
    return {
        name: {
            "all": own[place] + others[place],
            "own": own[place],
            "others": others[place],
            "by_kind": {kind: sums[place] for kind, sums in split} if by_kind else None,
        }
        for place, name in enumerate(WINDOWS)
    }


def _sums(counts: Sequence[EnquiryCount]) -> Sequence[int]:
    """Over all rows, a sum for each window."""
    if len(counts) == 1:
        return counts[0].counts
    return [sum(column) for column in zip(*[count.counts for count in counts], strict=True)] or _NONE


def _match(s: Situation) -> dict[str, Any]:
    """none: no loans; identifier: no name to compare; full, partial, differs: all, some, none of the names agree."""
    marks = {loan.name for loan in s.loans} - {None}
    if not s.loans:
        grade = "none"
    elif not marks:
        grade = "identifier"
    else:
        grade = "partial" if len(marks) == 2 else "full" if True in marks else "differs"
    return {"grade": grade, "name_agrees": None if not marks else False not in marks}


def _coverage(coverage: Coverage) -> dict[str, Any]:
    oldest, members = coverage.oldest_as_of, coverage.members
    # Rounded down: a share is never shown as reached before it is.
    share = f"{coverage.reported * 10_000 // members / 10_000:.4f}" if members else None
    return {
        "members": members,
        "reported": coverage.reported,
        "share": share,
        "oldest_as_of": None if oldest is None else oldest.isoformat(),
    }
