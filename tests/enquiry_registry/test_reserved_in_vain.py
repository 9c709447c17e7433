"""What comes to nothing is bounded: nobody finds out by reserving what others are owed; and only applications count."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from registry_world import Desk, token
from test_reserving import refused

from huxin.errors import HuxinError
from huxin.registry import reservations
from huxin.registry.reservations import Caps, Granted

HOUR = timedelta(hours=1)
CAP = Caps(max_outstanding=20_000_000)


@pytest.fixture
def key() -> bytes:
    return token()


def tried(desk: Desk, enquiry: UUID, amount: int, **changed: object) -> str:
    try:
        made = desk.reserve(1, enquiry, amount, **({"caps": CAP, "in_vain": 5} | changed))
    except HuxinError as refusal:
        return refusal.code
    reservations.release(desk.live, desk.changing(1, made.id))
    return "granted"


def test_nobody_bisects_what_others_are_owed(desk: Desk, key: bytes) -> None:
    """Reserving and giving back, with a new enquiry each time: five answers, whatever they were."""
    desk.loan(desk.gather(1, key).subject_id or UUID(int=0), 2, "A", balance=12_345_600)
    low, high, answers = 0, 20_000_000, []
    for _ in range(18):
        middle = (low + high) // 2
        answers.append(tried(desk, desk.asked(1, key), middle))
        low, high = (middle, high) if answers[-1] == "granted" else (low, middle)
    assert answers == ["H1212", "granted", "granted", "H1212", "H1212", *["H1224"] * 13]


@pytest.mark.parametrize("caps", [Caps(max_lenders=1), Caps(max_open_loans=1), Caps(max_outstanding=100)])
def test_each_refusal_counts_also_in_lots(desk: Desk, key: bytes, caps: Caps) -> None:
    desk.loan(desk.gather(1, key).subject_id or UUID(int=0), 2, "A", balance=100)
    wanted = [desk.reserving(1, desk.asked(1, key), caps=caps, in_vain=3) for _ in range(4)]
    found = reservations.reserve_all(desk.live, wanted)
    codes = [each.code for each in found if isinstance(each, HuxinError)]
    assert codes[3:] == ["H1224"]
    assert set(codes[:3]) <= {"H1210", "H1211", "H1212"}
    refusal = found[3]
    assert isinstance(refusal, HuxinError)
    assert refusal.facts == {"limit": 3, "hours": 24}


def test_it_is_each_members_about_each_subject(desk: Desk, key: bytes) -> None:
    enquiry, full = desk.asked(1, key), Caps(max_open_loans=0)
    assert [tried(desk, enquiry, 1, caps=full, in_vain=2) for _ in range(3)] == ["H1211", "H1211", "H1224"]
    assert tried(desk, desk.asked(1, token()), 1, in_vain=2) == "granted"
    assert desk.reserve(2, desk.asked(2, key), in_vain=2).fresh
    assert tried(desk, enquiry, 1, in_vain=None) == "granted"


def test_what_holds_or_became_a_loan_is_not_in_vain(desk: Desk, key: bytes) -> None:
    """Whoever draws on a line of credit every day is no spy."""
    enquiry = desk.asked(1, key)
    for number in range(4):
        made = desk.reserve(1, enquiry, in_vain=1)
        if number % 2:
            reservations.convert(
                desk.live, desk.changing(1, made.id), desk.now + 7 * 24 * HOUR, loan_no=str(number)
            )
    desk.run("UPDATE reservation SET state = 4 WHERE state = 2")
    assert desk.reserve(1, enquiry, in_vain=1).fresh


def test_the_earlier_ones_are_past_after_the_hours(desk: Desk, key: bytes) -> None:
    """Refused, given back or expired alike; the new ones are counted from then on."""
    enquiry, full = desk.asked(1, key), Caps(max_open_loans=0)
    desk.reserve(1, enquiry, expires_at=desk.now + HOUR)
    assert tried(desk, enquiry, 1, in_vain=3) == "granted"
    assert tried(desk, enquiry, 1, in_vain=3, caps=full) == "H1211"
    later = {"now": desk.now + 2 * HOUR, "asked_since": desk.now - 22 * HOUR}
    assert tried(desk, enquiry, 1, in_vain=3, **later) == "H1224"
    past = {"now": desk.now + 25 * HOUR, "asked_since": desk.now + HOUR}
    fresh = desk.record(1, desk.gather(1, key).subject_id or UUID(int=0), asked_at=desk.now + 24 * HOUR).id
    assert [tried(desk, fresh, 1, in_vain=2, caps=full, **past) for _ in range(3)] == [
        "H1211",
        "H1211",
        "H1224",
    ]


def test_what_was_granted_is_told_again_when_others_were_in_vain(desk: Desk, key: bytes) -> None:
    enquiry = desk.asked(1, key)
    wanted = desk.reserving(1, enquiry, key="K", in_vain=1)
    reservations.reserve(desk.live, wanted)
    assert tried(desk, enquiry, 1, caps=Caps(max_open_loans=0)) == "H1211"
    assert desk.reserve(1, enquiry, key="K", in_vain=1) == Granted(wanted.id, fresh=False)
    assert refused(lambda: desk.reserve(1, enquiry, in_vain=1)).code == "H1224"


@pytest.mark.parametrize("purpose", ["guarantee", "post_loan"])
def test_only_an_application_can_be_reserved_on(desk: Desk, key: bytes, purpose: str) -> None:
    subject = desk.gather(1, key).subject_id or UUID(int=0)
    other = desk.record(1, subject, purpose=purpose).id
    assert refused(lambda: desk.reserve(1, other, key="K")).code == "H1223"
    (found,) = reservations.reserve_all(desk.live, [desk.reserving(1, other)])
    assert isinstance(found, HuxinError)
    assert found.code == "H1223"
    made = desk.reserve(1, desk.asked(1, key), key="K")
    assert desk.reserve(1, other, key="K") == Granted(made.id, fresh=False)
    assert desk.count("reservation") == 1
