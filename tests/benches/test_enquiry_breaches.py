"""The recomputation of caps finds planted breaches, and only those."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from enquirybench.breaches import Caps, Grant, Owed, breaches, disagreements

CAPS = Caps(lenders=3, open_loans=4, outstanding=1_000)
NOON = datetime(2026, 5, 31, 12, tzinfo=UTC)


def grant(number: int, member: int, amount: int = 100, minute: int | None = None) -> Grant:
    at = NOON + timedelta(minutes=number if minute is None else minute)
    return Grant(f"{number:04d}", "s", member, amount, at, at + timedelta(hours=72))


def found(grants: list[Grant], owed: Owed | None = None) -> list[tuple[str, str, int]]:
    hits = breaches(grants, {"s": owed or Owed()}, CAPS)
    return [(hit.grant.id, hit.cap, hit.excess) for hit in hits]


def test_at_the_caps_is_no_breach() -> None:
    assert found([grant(1, 1, 400), grant(2, 2, 300), grant(3, 3, 200), grant(4, 3, 100)]) == []


def test_a_fourth_lender_is_one() -> None:
    assert found([grant(1, 1), grant(2, 2), grant(3, 3), grant(4, 4)]) == [("0004", "lenders", 1)]


def test_a_fifth_loan_of_one_lender_is_one() -> None:
    assert found([grant(number, 1) for number in range(1, 6)]) == [("0005", "open_loans", 1)]


def test_too_much_outstanding_is_one_by_its_cents() -> None:
    assert found([grant(1, 1, 600), grant(2, 1, 401)]) == [("0002", "outstanding", 1)]


def test_what_was_owed_before_counts() -> None:
    assert found([grant(1, 9)], Owed((1, 2), 500)) == []
    assert found([grant(1, 9)], Owed((1, 2, 3), 500)) == [("0001", "lenders", 1)]
    assert found([grant(1, 1)], Owed((1, 2, 2, 3), 500)) == [("0001", "open_loans", 1)]
    assert found([grant(1, 1, 501)], Owed((1,), 500)) == [("0001", "outstanding", 1)]


def test_another_subjects_grants_do_not_count() -> None:
    grants = [replace(grant(number, number), subject=f"s{number}") for number in range(1, 9)]
    assert breaches(grants, {}, CAPS) == []


def test_order_of_time_decides_which_one_it_was_not_order_of_arrival() -> None:
    late_first = [grant(4, 4, minute=1), grant(3, 3, minute=9), grant(2, 2), grant(1, 1, minute=0)]
    assert found(late_first) == [("0003", "lenders", 1)]


def test_expired_and_released_ones_make_room() -> None:
    first = replace(grant(1, 1), expires_at=NOON + timedelta(minutes=3))
    second = replace(grant(2, 2), ended_at=NOON + timedelta(minutes=4))
    assert found([first, second, grant(3, 3), grant(4, 4), grant(5, 5)]) == []
    assert found([first, grant(2, 2), grant(3, 3), grant(4, 4), grant(5, 5)]) == [("0005", "lenders", 1)]


def test_released_at_the_very_moment_no_longer_holds() -> None:
    released = replace(grant(1, 1), ended_at=NOON + timedelta(minutes=4))
    assert found([released, grant(2, 2), grant(3, 3), grant(4, 4)]) == []


def test_no_cap_binds_nothing() -> None:
    many = [grant(number, number, 10_000) for number in range(50)]
    assert breaches(many, {}, Caps(None, None, None)) == []


def test_table_and_log_must_tell_the_same_grants_and_amounts() -> None:
    table = [grant(1, 1, 100), grant(2, 2, 200), grant(3, 3, 300)]
    assert disagreements(table, {"0001": 100, "0002": 200, "0003": 300}) == []
    assert disagreements(table, {"0001": 100, "0002": 999, "0004": 1}) == ["0002", "0003", "0004"]
