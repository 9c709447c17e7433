"""Reservations: caps hold whoever comes at once, and a promise goes from state to state as it may."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from registry_world import Desk, token
from test_meeting import together

from huxin.errors import HuxinError
from huxin.registry import reservations
from huxin.registry.reservations import Caps, Granted, State

DAY = timedelta(days=1)


@pytest.fixture
def key() -> bytes:
    return token()


def refused(work: Any) -> HuxinError:
    with pytest.raises(HuxinError) as caught:
        work()
    return caught.value


def state(desk: Desk, member: int, reservation: UUID, later: timedelta = timedelta(0)) -> State | None:
    found = reservations.fetch(desk.live, member, reservation, desk.now + later)
    return found.state if found else None


def test_a_promise_is_granted_told_and_its_members_own(desk: Desk, key: bytes) -> None:
    enquiry = desk.asked(1, key)
    wanted = desk.reserving(1, enquiry, 250_000)
    assert reservations.reserve(desk.live, wanted) == Granted(wanted.id, fresh=True)
    found = reservations.fetch(desk.live, 1, wanted.id, desk.now)
    assert found is not None
    assert (found.enquiry_id, found.amount, found.state) == (enquiry, 250_000, State.GRANTED)
    assert reservations.fetch(desk.live, 2, wanted.id, desk.now) is None
    assert desk.count("outbox", "topic = 'reservation.granted'") == 1


def test_the_same_key_is_the_same_promise(desk: Desk, key: bytes) -> None:
    wanted = desk.reserving(1, desk.asked(1, key), key="K")
    reservations.reserve(desk.live, wanted)
    again = desk.reserve(1, wanted.enquiry_id, key="K")
    assert again == Granted(wanted.id, fresh=False)
    other = refused(lambda: desk.reserve(1, wanted.enquiry_id, key="K", body_digest=b"\7" * 32))
    assert other.code == "H1202"
    assert desk.count("reservation") == 1


@pytest.mark.parametrize(
    "changed", [{"caps": Caps(max_open_loans=0)}, {"asked_since": datetime(2030, 1, 1, tzinfo=UTC)}]
)
def test_what_was_granted_is_told_again_whatever_counts_by_now(
    desk: Desk, key: bytes, changed: dict[str, Any]
) -> None:
    """Neither a cap that is full meanwhile nor an enquiry grown old takes back what the key stands for."""
    wanted = desk.reserving(1, desk.asked(1, key), key="K")
    reservations.reserve(desk.live, wanted)
    assert desk.reserve(1, wanted.enquiry_id, key="K", **changed) == Granted(wanted.id, fresh=False)
    other = refused(lambda: desk.reserve(1, wanted.enquiry_id, key="K", body_digest=b"\7" * 32, **changed))
    assert other.code == "H1202"
    assert desk.count("reservation") == 1


def test_one_key_at_once_is_one_promise(desk: Desk, key: bytes) -> None:
    enquiries = [desk.asked(1, key), desk.asked(1, token())]
    found = together(8, lambda number: desk.reserve(1, enquiries[0], key="K"))
    assert len({each.id for each in found if isinstance(each, Granted)}) == 1
    assert sum(each.fresh for each in found if isinstance(each, Granted)) == 1
    digests = [b"\1" * 32, b"\2" * 32]
    mixed = together(
        8, lambda number: desk.reserve(1, enquiries[number % 2], key="L", body_digest=digests[number % 2])
    )
    assert sum(isinstance(each, Granted) and each.fresh for each in mixed) == 1
    assert {each.code for each in mixed if isinstance(each, HuxinError)} == {"H1202"}
    assert desk.count("reservation") == 2


def test_only_an_own_and_recent_enquiry_will_do(desk: Desk, key: bytes) -> None:
    enquiry = desk.asked(1, key)
    assert refused(lambda: desk.reserve(2, enquiry)).code == "H1213"
    assert refused(lambda: desk.reserve(1, uuid4())).code == "H1213"
    assert refused(lambda: desk.reserve(1, enquiry, asked_since=desk.now + DAY)).code == "H1213"
    assert desk.reserve(1, enquiry).fresh


def test_each_cap_refuses_with_its_figures(desk: Desk, key: bytes) -> None:
    enquiry = desk.asked(1, key)
    subject = desk.gather(1, key).subject_id
    assert subject is not None
    desk.loan(subject, 2, "A", balance=300_000)
    desk.loan(subject, 2, "B", balance=300_000)
    desk.loan(subject, 3, "C", balance=300_000, role=3)  # guaranteed: not a debt of the subject's
    desk.loan(subject, 3, "D", balance=0, status=7)
    desk.reserve(4, desk.asked(4, key), 50_000)
    lenders = refused(lambda: desk.reserve(1, enquiry, caps=Caps(max_lenders=2)))
    assert (lenders.code, lenders.facts) == ("H1210", {"lenders": 3, "limit": 2})
    loans = refused(lambda: desk.reserve(1, enquiry, caps=Caps(3, 3)))
    assert (loans.code, loans.facts) == ("H1211", {"open_loans": 4, "limit": 3})
    amount = refused(lambda: desk.reserve(1, enquiry, caps=Caps(3, 4, 749_999)))
    assert (amount.code, amount.facts) == ("H1212", {"lenders": 3, "open_loans": 4})
    assert desk.count("reservation_key") == 1
    assert desk.reserve(1, enquiry, caps=Caps(3, 4, 750_000)).fresh


def test_the_cap_on_the_amount_is_of_the_product_asked_for(desk: Desk, key: bytes) -> None:
    enquiry = desk.asked(1, key)
    subject = desk.run("SELECT subject_id FROM enquiry WHERE id = %s", (enquiry,))[0][0]
    desk.loan(subject, 2, "business", balance=900_000, product=2)
    caps = Caps(max_outstanding=1_000_000)
    assert refused(lambda: desk.reserve(1, enquiry, 200_000, caps=caps, product=2)).code == "H1212"
    assert desk.reserve(1, enquiry, 200_000, caps=caps, product=1).fresh
    # A promise is held against whatever is asked for next.
    assert refused(lambda: desk.reserve(1, enquiry, 900_000, caps=caps, product=1)).code == "H1212"


@pytest.mark.parametrize(
    ("tier", "counted"), [("banded", 100_000), ("query_only", 100_000), ("full", 90_010)]
)
def test_others_amounts_are_rounded_up_for_the_tiers_that_see_none(
    desk: Desk, key: bytes, tier: str, counted: int
) -> None:
    subject = desk.gather(1, key).subject_id
    assert subject is not None
    desk.loan(subject, 1, "own", balance=1_050)
    desk.loan(subject, 2, "A", balance=55_010)
    desk.loan(subject, 2, "other product", balance=90_000, product=2)
    desk.reserve(3, desk.asked(3, key), 35_000)
    caps = Caps(max_outstanding=200_000, step=10_000, exact=("full",))
    enquiry, room = desk.record(1, subject, tier=tier).id, 200_000 - 1_050 - counted
    assert refused(lambda: desk.reserve(1, enquiry, room + 1, caps=caps)).code == "H1212"
    assert desk.reserve(1, enquiry, room, caps=caps).fresh


def test_a_lender_counts_once(desk: Desk, key: bytes) -> None:
    enquiry = desk.asked(1, key)
    for _ in range(3):
        desk.reserve(1, enquiry, caps=Caps(max_lenders=1))
    assert refused(lambda: desk.reserve(2, desk.asked(2, key), caps=Caps(max_lenders=1))).code == "H1210"


def test_what_is_released_or_expired_counts_no_more(desk: Desk, key: bytes) -> None:
    enquiry, caps = desk.asked(1, key), Caps(max_open_loans=1)
    first = desk.reserve(1, enquiry, caps=caps).id
    assert refused(lambda: desk.reserve(1, enquiry, caps=caps)).code == "H1211"
    assert reservations.release(desk.live, desk.changing(1, first))
    assert not reservations.release(desk.live, desk.changing(1, first))
    second = desk.reserve(1, enquiry, caps=caps).id
    later = desk.now + 3 * DAY
    assert desk.reserve(1, enquiry, caps=caps, now=later, expires_at=later + DAY).fresh
    assert state(desk, 1, second) == State.GRANTED
    assert state(desk, 1, second, 3 * DAY) == State.EXPIRED
    assert desk.count("outbox", "topic = 'reservation.released'") == 1


def test_a_conversion_holds_until_its_loan_comes_or_its_days_pass(desk: Desk, key: bytes) -> None:
    enquiry, caps = desk.asked(1, key), Caps(max_open_loans=1)
    first = desk.reserve(1, enquiry, caps=caps).id
    change, until = desk.changing(1, first), desk.now + 7 * DAY
    assert reservations.convert(desk.live, change, until, loan_no="A")
    assert not reservations.convert(desk.live, change, until, loan_no="A")
    assert reservations.convert(desk.live, desk.changing(1, first), until, loan_no="B"), "put right"
    assert desk.run("SELECT loan_no FROM reservation") == [("B",)]
    for days, code in ((6, "H1211"), (7, "")):
        at = desk.now + days * DAY
        wanted = desk.reserving(1, enquiry, caps=caps, now=at, expires_at=at + DAY)
        if code:
            assert refused(lambda wanted=wanted: reservations.reserve(desk.live, wanted)).code == code
        else:
            assert reservations.reserve(desk.live, wanted).fresh


@pytest.mark.parametrize(
    ("after", "told"), [("released", "released"), ("unreported", "converted"), ("expired", "expired")]
)
def test_a_promise_that_is_over_cannot_change(desk: Desk, key: bytes, after: str, told: str) -> None:
    made = desk.reserve(1, desk.asked(1, key)).id
    if after == "unreported":
        reservations.convert(desk.live, desk.changing(1, made), desk.now + DAY, loan_no="A")
    at = desk.now + (timedelta(0) if after == "released" else 4 * DAY)
    change = desk.changing(1, made, at)
    if after == "released":
        reservations.release(desk.live, change)
    else:
        error = refused(lambda: reservations.release(desk.live, change))
        assert (error.code, error.facts) == ("H1214", {"state": told})
    error = refused(lambda: reservations.convert(desk.live, change, at + DAY, loan_no="B"))
    assert (error.code, error.facts) == ("H1214", {"state": told})


def test_what_was_not_lent_after_all_is_given_back_and_counts_as_in_vain(desk: Desk, key: bytes) -> None:
    enquiry, caps = desk.asked(1, key), Caps(max_open_loans=1)
    made = desk.reserve(1, enquiry, caps=caps).id
    assert reservations.convert(desk.live, desk.changing(1, made), desk.now + DAY, loan_no="A")
    assert reservations.release(desk.live, desk.changing(1, made))
    assert not reservations.release(desk.live, desk.changing(1, made))
    assert state(desk, 1, made) == State.RELEASED
    assert desk.run("SELECT loan_no, contract_no FROM reservation") == [(None, None)]
    assert refused(lambda: desk.reserve(1, enquiry, caps=caps, in_vain=1)).code == "H1224"
    assert desk.reserve(1, enquiry, caps=caps, in_vain=2).fresh


def test_anothers_reservation_is_unknown(desk: Desk, key: bytes) -> None:
    made = desk.reserve(1, desk.asked(1, key)).id
    assert refused(lambda: reservations.release(desk.live, desk.changing(2, made))).code == "H1215"
    assert state(desk, 1, made) == State.GRANTED


def test_no_cap_is_breached_by_sixteen_at_once(desk: Desk) -> None:
    """On one hot subject and on random ones; releases and conversions come in between."""
    caps = Caps(max_lenders=2, max_open_loans=4, max_outstanding=1_000_000)
    keys = [token() for _ in range(8)]
    asked = [{member: desk.asked(member, key) for member in range(1, 6)} for key in keys]

    def work(number: int) -> int:
        dice, granted = random.Random(number), 0
        for _ in range(40):
            place = 0 if dice.random() < 0.5 else dice.randrange(8)
            member = dice.randrange(1, 6)
            try:
                made = desk.reserve(member, asked[place][member], dice.randrange(1, 500_000), caps=caps)
            except HuxinError as error:
                assert error.code in ("H1210", "H1211", "H1212")
                continue
            granted += 1
            if dice.random() < 0.6:
                reservations.release(desk.live, desk.changing(member, made.id))
            elif dice.random() < 0.3:
                change = desk.changing(member, made.id)
                reservations.convert(desk.live, change, desk.now + DAY, loan_no=str(made.id))
        return granted

    found = together(16, work)
    assert [each for each in found if not isinstance(each, int)] == []
    assert sum(each for each in found if isinstance(each, int)) > 20
    breached = """SELECT subject_id FROM reservation WHERE state IN (1, 2) GROUP BY subject_id
        HAVING count(DISTINCT member_id) > 2 OR count(*) > 4 OR sum(amount) > 1000000"""
    assert desk.run(breached) == []
    assert desk.count("reservation", "state IN (1, 2)") >= 8
    assert desk.count("reservation") == desk.count("outbox", "topic = 'reservation.granted'")
