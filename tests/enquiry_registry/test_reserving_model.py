"""Reservations at random beside a plain model of them: caps, what counts, what came to nothing, keys and states."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from registry_world import Desk, token

from huxin.errors import HuxinError
from huxin.registry import reservations
from huxin.registry.reservations import Caps

HOUR = timedelta(hours=1)
WINDOW = 24 * HOUR
CAPS = Caps(max_lenders=2, max_open_loans=4, max_outstanding=1_000, step=90, exact=("full",))
IN_VAIN = 4


@dataclass
class Held:
    member: int
    amount: int
    granted: datetime
    expires: datetime
    changed: datetime
    state: str = "granted"
    loan_no: str = ""


@dataclass
class Person:
    """What stands on record of one subject, and the refusals: of each member when."""

    key: bytes
    id: UUID
    loans: list[tuple[int, str, int]] = field(default_factory=list)
    held: dict[UUID, Held] = field(default_factory=dict)
    refused: list[tuple[int, datetime]] = field(default_factory=list)

    def expected(self, member: int, amount: int, now: datetime, tier: str) -> str:
        """What is to become of a reservation, by the rules as they are written down."""
        if self._in_vain(member, now) >= IN_VAIN:
            return "H1224"
        reported = {(lender, number) for lender, number, _ in self.loans}
        live = [
            each
            for each in self.held.values()
            if each.state in ("granted", "converted")
            and each.expires > now
            and not (each.state == "converted" and (each.member, each.loan_no) in reported)
        ]
        lenders = {lender for lender, _, _ in self.loans} | {each.member for each in live} | {member}
        amounts = [(lender, balance) for lender, _, balance in self.loans]
        amounts += [(each.member, each.amount) for each in live]
        owed = amount + sum(much for whose, much in amounts if whose == member)
        others = sum(much for whose, much in amounts if whose != member)
        owed += others if tier == "full" else -(-others // 90) * 90
        if len(lenders) > (CAPS.max_lenders or 0):
            return "H1210"
        if len(self.loans) + len(live) + 1 > (CAPS.max_open_loans or 0):
            return "H1211"
        return "H1212" if owed > (CAPS.max_outstanding or 0) else "granted"

    def _in_vain(self, member: int, now: datetime) -> int:
        ended = [
            each.changed if each.state == "released" else each.expires
            for each in self.held.values()
            if each.member == member and each.state != "ended"
        ]
        times = [*ended, *(at for whose, at in self.refused if whose == member)]
        return sum(now - WINDOW < at <= now for at in times)


def reserve(desk: Desk, person: Person, dice: random.Random, now: datetime) -> str:
    member, amount = dice.randrange(1, 4), dice.randrange(1, 700)
    tier = ("full", "banded")[amount % 2]
    enquiry = desk.record(member, person.id, asked_at=now, tier=tier).id
    expires = now + dice.choice((1, 3, 30)) * HOUR
    wanted = desk.reserving(
        member,
        enquiry,
        amount,
        caps=CAPS,
        in_vain=IN_VAIN,
        now=now,
        expires_at=expires,
        asked_since=now - WINDOW,
        body_digest=token() + token(),
    )
    expected = person.expected(member, amount, now, tier)
    try:
        made = reservations.reserve(desk.live, wanted).id
    except HuxinError as refusal:
        found = refusal.code
        if found != "H1224":
            person.refused.append((member, now))
    else:
        found = "granted"
        person.held[made] = Held(member, amount, now, expires, now)
    assert found == expected
    return found


def change(desk: Desk, person: Person, dice: random.Random, now: datetime) -> str:
    """Gives one back, converts it, or lets its loan come."""
    if not person.held:
        return "nothing"
    id_, held = dice.choice(list(person.held.items()))
    act = dice.choice(("released", "converted", "reported"))
    if act == "reported":
        if held.state == "converted" and held.loan_no:
            desk.loan(person.id, held.member, held.loan_no, balance=held.amount, disbursed_on=now.date())
            person.loans.append((held.member, held.loan_no, held.amount))
            held.loan_no = ""  # once
            held.state = "ended"
            desk.run("UPDATE reservation SET state = 4 WHERE id = %s", (id_,))
            return act
        return "nothing"
    number = f"{dice.choice('LM')}{id_.hex[-8:]}"
    allowed = held.state in ("granted", "converted") and held.expires > now
    same = held.state == act and (act == "released" or held.loan_no == number)
    until = held.expires if held.state == "converted" else now + 5 * HOUR
    what = desk.changing(held.member, id_, now)
    try:
        if act == "released":
            fresh = reservations.release(desk.live, what)
        else:
            fresh = reservations.convert(desk.live, what, until, loan_no=number)
    except HuxinError as refusal:
        assert (refusal.code, allowed, same) == ("H1214", False, False)
        return "H1214"
    assert (fresh, allowed or same) == (not same, True)
    if fresh:
        held.state, held.changed, held.loan_no = act, now, number
        held.expires = until if act == "converted" else held.expires
    return act


@pytest.mark.parametrize("seed", range(3))
def test_reservations_are_as_the_plain_model_has_them(desk: Desk, seed: int) -> None:
    dice = random.Random(seed)
    people = []
    for key in (token(), token()):
        subject = desk.gather(1, key).subject_id
        assert subject is not None
        people.append(Person(key, subject))
    desk.loan(people[0].id, 2, "OLD", balance=200)
    people[0].loans.append((2, "OLD", 200))
    now, met = desk.now, set[str]()
    for _ in range(100):
        now += dice.choice((0, 0, 1, 2)) * HOUR + timedelta(minutes=1)
        work = reserve if dice.random() < 0.6 else change
        met.add(work(desk, dice.choice(people), dice, now))
    assert {"granted", "H1224", "released", "converted"} <= met
    assert met & {"H1210", "H1211", "H1212"}
