"""Reservations as members make them: the policy's caps and times, the leaf that keeps them, what a refusal may tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import orjson

from huxin.decision import Policy
from huxin.decision.codes import PRODUCTS
from huxin.decision.policy import EXACT
from huxin.enquiry.desk import Desk
from huxin.enquiry.drafting import product_code
from huxin.enquiry.own_words import require_nobody
from huxin.enquiry.request import Asker
from huxin.enquiry.reservation_acts import told_of
from huxin.enquiry.reservation_leaves import granting_leaf
from huxin.errors import HuxinError
from huxin.ids import id_at, new_id
from huxin.registry import enquiries
from huxin.registry.policies import policy_on
from huxin.registry.reservations import Caps, Reserving, tier_now


@dataclass(frozen=True)
class ReservationRequest:
    """A promise that is asked for: cents, the contract's product names (None: the enquiry's), seconds (None: the
    policy's)."""

    enquiry_id: UUID
    amount: int
    product: str | None = None
    expires_in: int | None = None

    def canonical(self) -> bytes:
        """The same bytes for the same request."""
        return orjson.dumps([str(self.enquiry_id), self.amount, self.product, self.expires_in])


@dataclass(frozen=True)
class Held:
    """A reservation as it stands; `fresh` is false where it was granted before under the same key."""

    told: dict[str, Any]
    fresh: bool


def reserve(desk: Desk, asker: Asker, wanted: ReservationRequest, key: str) -> Held:
    """Holds an amount against the caps of the state after this loan, atomically and at once for every member.

    HuxinError H1202 (the key stands for another body), H1207 (a person's number for a key), H1210 to H1212 (a cap),
    H1213 (no such enquiry of this member, or too old), H1216 (longer than the policy allows), H1223 (the enquiry was
    not for an application), H1224 (too many about this subject came to nothing).
    """
    require_nobody({}, key=key)
    policy = policy_on(desk.settings, desk.settings.today())
    asked = _asked(desk, asker, wanted, key, policy)
    leaf = granting_leaf(asker, asked)
    asked = replace(asked, outbox=leaf.outbox)
    most = policy.reservations.maximum_hours
    too_long = asked.expires_at - asked.now > timedelta(hours=most)
    if too_long:
        # No enquiry is of the future: so nothing is granted, and what an earlier policy granted is told again.
        asked = replace(asked, asked_since=asked.now + timedelta(days=1))
    try:
        granted = desk.keys.by_digest(
            (wanted.canonical(),),
            lambda digest: desk.reserved(replace(asked, body_digest=digest)),
        )
    except HuxinError as refusal:
        if too_long and refusal.code == "H1213":
            raise HuxinError("H1216", hours=most) from None
        raise _as_shown(desk, asker, wanted, policy, refusal) from None
    return Held(told_of(desk, asker, granted.id, leaf if granted.fresh else None), granted.fresh)


def _asked(desk: Desk, asker: Asker, wanted: ReservationRequest, key: str, policy: Policy) -> Reserving:
    now, rules = desk.settings.now(), policy.reservations
    hours = rules.default_hours if wanted.expires_in is None else wanted.expires_in / 3600
    made, product = id_at(now), _product(desk, asker, wanted)
    return Reserving(
        id=made,
        member_id=asker.member_id,
        key=key,
        body_digest=b"",
        enquiry_id=wanted.enquiry_id,
        product=product,
        amount=wanted.amount,
        now=now,
        expires_at=now + timedelta(hours=hours),
        asked_since=now - timedelta(hours=rules.maximum_hours),
        caps=_caps(policy, product, desk.settings.today()),
        in_vain=rules.in_vain,
        outbox_id=new_id(),
        outbox="",  # which says the rest: see `granting_leaf`
    )


def _product(desk: Desk, asker: Asker, wanted: ReservationRequest) -> int | None:
    """The label code of what is to be lent: what the reservation says, or else its enquiry."""
    if wanted.product is not None:
        return product_code(wanted.product)
    enquiry = enquiries.fetch(desk.live, asker.member_id, wanted.enquiry_id)
    return None if enquiry is None else enquiry.product


def _caps(policy: Policy, product: int | None, today: date) -> Caps:
    """The policy's. Where neither names a product only the widest amount is sure to bind, as in an answer."""
    amounts = policy.caps.max_outstanding
    if product is not None:
        amount = amounts.get(PRODUCTS[product])
    else:
        amount = max(amounts.values()) if len(amounts) == len(PRODUCTS[1:]) else None
    exact = tuple(name for name, tier in policy.tiers.items() if tier.amounts == EXACT)
    since, most = today - timedelta(days=policy.reciprocity_days), policy.caps
    return Caps(most.max_lenders, most.max_open_loans, amount, policy.others_in_steps, exact, since)


def _as_shown(
    desk: Desk, asker: Asker, wanted: ReservationRequest, policy: Policy, refusal: HuxinError
) -> HuxinError:
    """A refusal without the figures that an answer did not show to a member of the enquiry's tier, or would not now."""
    if "open_loans" not in refusal.facts:
        return refusal
    enquiry = enquiries.fetch(desk.live, asker.member_id, wanted.enquiry_id)
    now = policy.tier_shown(*tier_now(desk.live, asker.member_id), desk.settings.today())
    seen = [policy.tiers.get(name) for name in (now, None if enquiry is None else enquiry.tier) if name]
    if enquiry is not None and all(tier is not None and "exposure" in tier.sections for tier in seen):
        return refusal
    return HuxinError(refusal.code, **{k: v for k, v in refusal.facts.items() if k != "open_loans"})
