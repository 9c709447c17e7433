"""Reservations as members make them: the policy's caps and times, the leaf that keeps them, what a refusal may tell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from huxin.audit.promise import sign_promise
from huxin.audit.records import moment_text
from huxin.decision import Policy
from huxin.decision.codes import PRODUCTS
from huxin.decision.policy import EXACT
from huxin.enquiry.desk import Desk
from huxin.enquiry.drafting import product_code
from huxin.enquiry.own_words import require_nobody
from huxin.enquiry.request import Asker
from huxin.enquiry.reservation_leaves import Leaf, as_told, granting_leaf, leaf_after
from huxin.errors import HuxinError
from huxin.ids import id_at, new_id
from huxin.registry import enquiries, reservations
from huxin.registry.audit_log import inclusion, not_in_the_log
from huxin.registry.policies import policy_on
from huxin.registry.reservations import Caps, Changing, Reservation, Reserving, State

# By which act of the member's own it stands as it does: the night ends and resumes, and nobody is told of that at once.
_ACTS = {
    State.GRANTED: "granted",
    State.EXPIRED: "granted",
    State.CONVERTED: "converted",
    State.RELEASED: "released",
}


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
    return Held(_told_of(desk, asker, granted.id, leaf if granted.fresh else None), granted.fresh)


def release(desk: Desk, asker: Asker, reservation_id: UUID) -> dict[str, Any]:
    """Gives a promise back, also one whose loan was said and not made after all; again is no fault.

    HuxinError H1214 (other state), H1215 (unknown).
    """
    now, before = desk.settings.now(), _own(desk, asker, reservation_id)
    after = replace(before, state=State.RELEASED, changed_at=now, loan_no=None, contract_no=None)
    leaf = leaf_after(asker, after, "released")
    fresh = reservations.release(desk.live, _changing(asker, reservation_id, leaf))
    return _told_of(desk, asker, reservation_id, leaf if fresh else None)


def convert(
    desk: Desk, asker: Asker, reservation_id: UUID, loan_no: str | None, contract_no: str | None
) -> dict[str, Any]:
    """Says that the money has left: held until the night's file brings the loan, or the policy's days are over.

    Said with another number it is put right, and held no longer for that.

    HuxinError H1207 (a person for a number), H1214 (other state), H1215 (unknown).
    """
    require_nobody({"loan_no": loan_no, "contract_no": contract_no})
    now, days = desk.settings.now(), policy_on(desk.settings, desk.settings.today()).reservations.convert_days
    before = _own(desk, asker, reservation_id)
    until = before.expires_at if before.state == State.CONVERTED else now + timedelta(days=days)
    after = replace(before, state=State.CONVERTED, changed_at=now, expires_at=until)
    leaf = leaf_after(asker, after, "converted", expires_at=moment_text(until))
    change = _changing(asker, reservation_id, leaf)
    fresh = reservations.convert(desk.live, change, until, loan_no, contract_no)
    return _told_of(desk, asker, reservation_id, leaf if fresh else None)


def receipt(desk: Desk, asker: Asker, reservation_id: UUID, act: str | None = None) -> dict[str, Any]:
    """The receipt of an act of an own reservation (`granted`, `released` …), of its last one where none is named.

    HuxinError H1302: not in the log; with `retry_s` where the act was done and is only not numbered yet.
    """
    topic = None if act is None else f"reservation.{act}"
    found = inclusion(desk.live, reservation_id, member_id=asker.member_id, topic=topic)
    held = reservations.fetch(desk.live, asker.member_id, reservation_id, desk.settings.now())
    if found is None or (held is not None and _is_of_an_earlier_act(desk, asker, found, held, act)):
        done = held is not None and act in (None, "granted", State(held.state).name.lower())
        raise not_in_the_log(own=done)
    return found


def _is_of_an_earlier_act(
    desk: Desk, asker: Asker, found: dict[str, Any], held: Reservation, act: str | None
) -> bool:
    """Whether the act that is asked for was done again and is only not numbered yet."""
    kept = _leaf_kept(desk, asker, held) if act in (None, _ACTS.get(held.state)) else None
    return kept is not None and orjson.loads(found["record"])["at"] < moment_text(kept.at)


def read(desk: Desk, asker: Asker, reservation_id: UUID) -> dict[str, Any]:
    """An own reservation as it stands now. HuxinError H1215 when the member has none of that id."""
    return _told_of(desk, asker, reservation_id, None)


def _told_of(desk: Desk, asker: Asker, reservation_id: UUID, leaf: Leaf | None) -> dict[str, Any]:
    """As it stands, and the promise that the log holds or will hold the member's last act (`leaf` if at hand)."""
    found = _own(desk, asker, reservation_id)
    kept = leaf or _leaf_kept(desk, asker, found)
    promise = None if kept is None else sign_promise(desk.signer, kept.record, kept.salt, kept.at)
    return {**as_told(found), "promise": promise}


def _own(desk: Desk, asker: Asker, reservation_id: UUID) -> Reservation:
    found = reservations.fetch(desk.live, asker.member_id, reservation_id, desk.settings.now())
    if found is None:
        raise HuxinError("H1215")
    return found


def _leaf_kept(desk: Desk, asker: Asker, found: Reservation) -> Leaf | None:
    """That of the act by which it stands so; None where that was none of the member's own, or was erased."""
    act = _ACTS.get(found.state)
    if act is None:
        return None
    topic = f"reservation.{act}"
    kept = reservations.leaf_of(desk.live, asker.member_id, found.id, topic, found.changed_at)
    # Of an earlier program's leaf no answer can be proved.
    told = kept is not None and "answer_sha256" in kept[1]
    return Leaf(kept[1], kept[0], found.changed_at, outbox="") if kept and told else None


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
        caps=_caps(policy, product),
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


def _caps(policy: Policy, product: int | None) -> Caps:
    """The policy's. Where neither names a product only the widest amount is sure to bind, as in an answer."""
    amounts = policy.caps.max_outstanding
    if product is not None:
        amount = amounts.get(PRODUCTS[product])
    else:
        amount = max(amounts.values()) if len(amounts) == len(PRODUCTS[1:]) else None
    stepped = tuple(name for name, tier in policy.tiers.items() if tier.amounts != EXACT)
    return Caps(policy.caps.max_lenders, policy.caps.max_open_loans, amount, policy.others_in_steps, stepped)


def _as_shown(
    desk: Desk, asker: Asker, wanted: ReservationRequest, policy: Policy, refusal: HuxinError
) -> HuxinError:
    """A refusal without the figures that the enquiry's own answer did not show to a member of its tier."""
    if "open_loans" not in refusal.facts:
        return refusal
    enquiry = enquiries.fetch(desk.live, asker.member_id, wanted.enquiry_id)
    tier = None if enquiry is None else policy.tiers.get(enquiry.tier)
    if tier is not None and "exposure" in tier.sections:
        return refusal
    return HuxinError(refusal.code, **{k: v for k, v in refusal.facts.items() if k != "open_loans"})


def _changing(asker: Asker, reservation_id: UUID, leaf: Leaf) -> Changing:
    return Changing(asker.member_id, reservation_id, leaf.at, new_id(), leaf.outbox)
