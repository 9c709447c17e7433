"""What comes to nothing is bounded: nobody finds out by reserving what others are owed; and only applications count."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
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
        asked = {"caps": CAP, "in_vain": 5, "body_digest": token() + token()}
        made = desk.reserve(1, enquiry, amount, **(asked | changed))
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
    digests = [token() + token() for _ in range(4)]
    wanted = [
        desk.reserving(1, desk.asked(1, key), caps=caps, in_vain=3, body_digest=digest) for digest in digests
    ]
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


def test_the_earlier_ones_are_past_one_by_one(desk: Desk, key: bytes) -> None:
    """Each for its own hours from when it came to nothing; nobody saves them up."""
    enquiry, full = desk.asked(1, key), Caps(max_open_loans=0)
    subject = desk.gather(1, key).subject_id or UUID(int=0)

    def at(hours: float) -> dict[str, Any]:
        now = desk.now + hours * HOUR
        asked = desk.record(1, subject, asked_at=now).id
        return {
            "enquiry": asked,
            "amount": 1,
            "now": now,
            "asked_since": now - 24 * HOUR,
            "expires_at": now + 2 * HOUR,
        }

    desk.reserve(1, enquiry, expires_at=desk.now + 2 * HOUR)  # in vain from then on
    assert tried(desk, in_vain=2, caps=full, **at(0)) == "H1211"
    assert tried(desk, in_vain=2, caps=full, **at(1.9)) == "H1211"
    assert tried(desk, in_vain=2, **at(1.9)) == "H1224"
    assert tried(desk, in_vain=2, **at(24.5)) == "H1224", "one was refused, one expired"
    assert tried(desk, in_vain=2, caps=full, **at(26.0)) == "H1211", "none is left"
    assert tried(desk, in_vain=2, caps=full, **at(26.1)) == "H1211"
    assert tried(desk, in_vain=2, **at(26.2)) == "H1224"


def test_the_same_request_again_is_the_same_try(desk: Desk, key: bytes) -> None:
    """Who repeats a refused one until there is room is told so, and not shut out."""
    enquiry, other = desk.asked(1, key), desk.reserve(2, desk.asked(2, key), 400).id
    same = {"caps": Caps(max_outstanding=500), "in_vain": 2, "body_digest": b"\5" * 32}
    assert [tried(desk, enquiry, 200, **same) for _ in range(6)] == ["H1212"] * 6
    assert desk.count("reservation_refused") == 1
    reservations.release(desk.live, desk.changing(2, other))
    assert tried(desk, enquiry, 200, **same) == "granted"


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
