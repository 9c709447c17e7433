"""What a member does with its own reservations, and how each is told: with the promise and the receipt of its acts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from huxin.audit.promise import sign_promise
from huxin.audit.records import moment_text
from huxin.enquiry.desk import Desk
from huxin.enquiry.own_words import require_nobody
from huxin.enquiry.request import Asker
from huxin.enquiry.reservation_leaves import Leaf, as_told, leaf_after
from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.registry import reservations
from huxin.registry.audit_log import inclusion, not_in_the_log
from huxin.registry.audit_waiting import act_waits
from huxin.registry.policies import policy_on
from huxin.registry.reservations import Changing, Reservation, State

_MOMENT = timedelta(microseconds=1)
# By which act of the member's own it stands as it does: the night ends and resumes, and nobody is told of that at once.
_ACTS = {
    State.GRANTED: "granted",
    State.EXPIRED: "granted",
    State.CONVERTED: "converted",
    State.RELEASED: "released",
}


def release(desk: Desk, asker: Asker, reservation_id: UUID) -> dict[str, Any]:
    """Gives a promise back, also one whose loan was said and not made after all; again is no fault.

    HuxinError H1214 (other state), H1215 (unknown).
    """

    def given_back(before: Reservation, now: datetime) -> tuple[bool, Leaf]:
        leaf = leaf_after(asker, replace(before, state=State.RELEASED, changed_at=now), "released")
        return reservations.release(desk.live, _changing(asker, before, leaf)), leaf

    return _changed(desk, asker, reservation_id, given_back)


def convert(
    desk: Desk, asker: Asker, reservation_id: UUID, loan_no: str | None, contract_no: str | None
) -> dict[str, Any]:
    """Says that the money has left: held until the night's file brings the loan, or the policy's days are over.

    Said with another number it is put right, and held no longer for that.

    HuxinError H1207 (a person for a number), H1214 (other state), H1215 (unknown), H1225 (put right since), H1226
    (another one stands under the number).
    """
    require_nobody({"loan_no": loan_no, "contract_no": contract_no})
    days = policy_on(desk.settings, desk.settings.today()).reservations.convert_days

    def converted(before: Reservation, now: datetime) -> tuple[bool, Leaf]:
        until = before.expires_at if before.state == State.CONVERTED else now + timedelta(days=days)
        after = replace(before, state=State.CONVERTED, changed_at=now, expires_at=until)
        leaf = leaf_after(asker, after, "converted", expires_at=moment_text(until))
        change = _changing(asker, before, leaf)
        return reservations.convert(desk.live, change, until, loan_no, contract_no), leaf

    return _changed(desk, asker, reservation_id, converted)


def _changed(
    desk: Desk,
    asker: Asker,
    reservation_id: UUID,
    change: Callable[[Reservation, datetime], tuple[bool, Leaf]],
) -> dict[str, Any]:
    """As it stands after a change, made of what stood right before it: the leaf tells what follows from that.

    Moments of one reservation only rise, or its past could not be told: the clock may have been put back in between.
    """
    while True:  # each turn more is another's change that got through
        before = _own(desk, asker, reservation_id)
        try:
            fresh, leaf = change(before, max(desk.settings.now(), before.changed_at + _MOMENT))
        except reservations.MovedError:
            continue
        return told_of(desk, asker, reservation_id, leaf if fresh else None)


def receipt(desk: Desk, asker: Asker, reservation_id: UUID, act: str | None = None) -> dict[str, Any]:
    """The receipt of an act of an own reservation (`granted`, `released` …), of its last one where none is named; where
    it was done several times, of the last time.

    HuxinError H1302: not in the log; with `retry_s` where the act was done and is only not numbered yet.
    """
    topic = None if act is None else f"reservation.{act}"
    waits = act_waits(desk.live, asker.member_id, "reservation", reservation_id, act)
    found = None if waits else inclusion(desk.live, reservation_id, member_id=asker.member_id, topic=topic)
    if found is None:
        raise not_in_the_log(own=waits)
    return found


def read(desk: Desk, asker: Asker, reservation_id: UUID) -> dict[str, Any]:
    """An own reservation as it stands now. HuxinError H1215 when the member has none of that id."""
    return told_of(desk, asker, reservation_id, None)


def told_of(desk: Desk, asker: Asker, reservation_id: UUID, leaf: Leaf | None) -> dict[str, Any]:
    """As it stands, and the promise that the log holds or will hold the member's last act (`leaf` if at hand)."""
    found = _own(desk, asker, reservation_id)
    kept = leaf if leaf and leaf.at == found.changed_at else _leaf_kept(desk, asker, found)
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


def _changing(asker: Asker, before: Reservation, leaf: Leaf) -> Changing:
    return Changing(asker.member_id, before.id, leaf.at, before.changed_at, new_id(), leaf.outbox)
