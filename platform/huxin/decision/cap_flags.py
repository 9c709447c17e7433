"""The two flags of the caps: how many lenders, how much; what only reservations bring about weighs less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from huxin.decision.codes import LEVELS, PRODUCTS
from huxin.decision.fired import Fired
from huxin.decision.policy import EXACT, Policy, exact
from huxin.decision.situation import Situation

_PRODUCTS_ZH = dict(zip(PRODUCTS, ("", "消费贷", "经营贷", "涉农贷"), strict=True))


@dataclass(frozen=True, slots=True)
class _Owed:
    """What counts towards a cap on amounts, in cents; others' exactly, for it is rounded as a whole."""

    own: int
    others: int
    own_pending: int = 0
    others_pending: int = 0


@dataclass(frozen=True, slots=True)
class _Exceeded:
    """One cap that would be exceeded. Figures as they are shown; `firm` when it needs no reservation for that."""

    figures: dict[str, Any]
    firm: bool


def multi_lender(s: Situation) -> Fired | None:
    """More lenders than the cap once this loan is made; a lender by reservation counts like one by loan."""
    lenders = {loan.m for loan in s.debts}
    asking = {0} if s.asked.new_loan else set()
    after = lenders | asking | {reservation.m for reservation in s.facts.reservations}
    cap = s.policy.caps.max_lenders
    if len(after) <= cap:
        return None
    figures = {
        "lenders_after": len(after),
        "lenders": len(lenders),
        "reserved": len(after - lenders - asking),
        "max_lenders": cap,
    }
    return Fired(figures, level=_level(s.policy, "MULTI_LENDER", firm=len(lenders | asking) > cap))


def over_cap(s: Situation) -> Fired | None:
    """More owed, more loans or more to pay a month than the caps allow, over all members.

    The member's own reservation and the amount it asks with are taken once, the greater of them: it is usually
    the same loan. Reservations name no product, so they are held against the one asked for.
    """
    found = [each for each in (*_outstanding(s), _open_loans(s), _debt_service(s)) if each is not None]
    if not found:
        return None
    figures = [each.figures for each in found]
    rounded = any(each["cap"] == "outstanding" for each in figures)
    words = {
        f"caps_{language}": _said(figures, language) + (_rounded(s, language) if rounded else "")
        for language in ("zh", "en")
    }
    level = _level(s.policy, "OVER_CAP", firm=any(each.firm for each in found))
    return Fired({"exceeded": figures}, words=words, level=level)


def _outstanding(s: Situation) -> list[_Exceeded | None]:
    caps, product = s.policy.caps.max_outstanding, s.asked.product
    asked = (s.asked.amount or 0) * s.asked.new_loan
    pending = max(0, s.own.pending_amount - asked), s.others.pending_amount
    own, others = dict.fromkeys(PRODUCTS[1:], 0), dict.fromkeys(PRODUCTS[1:], 0)
    for loan in s.debts:
        (others if loan.m else own)[PRODUCTS[loan.product]] += loan.balance
    if product is not None:
        return [_amount(s, product, _Owed(own[product], others[product], *pending), asked, caps.get(product))]
    alone = [_amount(s, name, _Owed(own[name], others[name]), 0, caps.get(name)) for name in own]
    # Without a product only the widest cap is sure to apply to what is asked for.
    widest = max(caps.values()) if len(caps) == len(own) else None
    total = _Owed(s.own.outstanding, s.others.outstanding, *pending)
    return [*alone, _amount(s, None, total, asked, widest)]


def _amount(s: Situation, product: str | None, of: _Owed, asked: int, cap: int | None) -> _Exceeded | None:
    if cap is None:
        return None
    mine = of.own + of.own_pending + asked
    if mine + s.held(of.others + of.others_pending) <= cap:
        return None
    return _Exceeded(
        {
            "cap": "outstanding",
            "product": product,
            "limit": exact(cap),
            "owed": s.both(of.own, of.others),
            "pending": s.both(of.own_pending, of.others_pending),
            "asked": exact(asked),
        },
        firm=of.own + s.held(of.others) + asked > cap,
    )


def _open_loans(s: Situation) -> _Exceeded | None:
    cap, owed, asked = s.policy.caps.max_open_loans, s.total.open_loans, s.asked.new_loan
    pending = s.others.pending + max(0, s.own.pending - asked)
    if cap is None or owed + pending + asked <= cap:
        return None
    return _Exceeded(
        {
            "cap": "open_loans",
            "product": None,
            "limit": cap,
            "owed": owed,
            "pending": pending,
            "asked": asked,
        },
        firm=owed + asked > cap,
    )


def _debt_service(s: Situation) -> _Exceeded | None:
    """Of the loans there are: what a promised or wanted one will cost a month is not known yet."""
    cap, owed = s.policy.caps.max_debt_service, s.total.debt_service
    if cap is None or owed <= cap:
        return None
    return _Exceeded(
        {
            "cap": "debt_service",
            "product": None,
            "limit": exact(cap),
            "owed": s.both(s.own.debt_service, s.others.debt_service),
            "pending": None,
            "asked": None,
        },
        firm=True,
    )


def _level(policy: Policy, code: str, firm: bool) -> str:
    level = policy.levels[code]
    return level if firm else min(level, policy.pending_level, key=LEVELS.index)


def _said(exceeded: list[dict[str, Any]], language: str) -> str:
    return ("；" if language == "zh" else "; ").join([_one(figures, language) for figures in exceeded])


def _rounded(s: Situation, language: str) -> str:
    """That others' amounts count as more than they are, where they do: the sum that is told may lie below the limit."""
    step = s.policy.others_in_steps
    if step is None or s.tier.amounts == EXACT:
        return ""
    if language == "zh":
        return f"（其他机构金额按 {exact(step)} 元的整数倍向上取整）"
    return f" (others' amounts rounded up to multiples of {exact(step)} yuan)"


def _one(figures: dict[str, Any], language: str) -> str:
    cap, product, limit = figures["cap"], figures["product"], figures["limit"]
    owed, pending, asked = figures["owed"], figures["pending"], figures["asked"]
    if language == "zh":
        name = {"outstanding": "余额（元）", "open_loans": "未结清笔数", "debt_service": "月还款额（元）"}[
            cap
        ]
        rest = "" if pending is None else f" + 授信占用 {pending} + 本笔 {asked}"
        return f"{_PRODUCTS_ZH[product or '']}{name}现有 {owed}{rest}，上限 {limit}"
    name = {
        "outstanding": "outstanding (yuan)",
        "open_loans": "open loans",
        "debt_service": "monthly debt service (yuan)",
    }[cap]
    rest = "" if pending is None else f" + {pending} reserved + {asked} asked for"
    return f"{product + ' ' if product else ''}{name} {owed}{rest}, limit {limit}"
