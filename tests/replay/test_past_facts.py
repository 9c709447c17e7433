"""Two times: what was known at an earlier moment is told again, whatever was sent, mended or taken back since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from model import Row
from night_world import day, ready
from replay_world import Past

from huxin.settings import Settings

LATE = date(2026, 5, 20)
PEOPLE = range(1, 5)


@pytest.fixture
def past(settings: Settings, tmp_path: Path) -> Iterator[Past]:
    made = Past.begun(ready(settings, ["M0001", "M0002"]), tmp_path / "sent")
    yield made
    made.desk.close()


def everybody(past: Past) -> None:
    """Each member asks about each person, and what it is told is remembered."""
    for person in PEOPLE:
        past.ask("M0001", person)
    past.ask("M0002", 1)


def test_nights_corrections_and_withdrawals_leave_earlier_answers_as_they_were(past: Past) -> None:
    everybody(past)
    past.tick()
    past.world.full("M0001", day(0), Row("A", 1), Row("B", 2, status="overdue", since=LATE))
    past.tick()
    past.world.full("M0002", day(0), Row("C", 1), Row("D", 1, role="primary"))
    everybody(past)
    past.tick()
    past.world.full("M0001", day(1), Row("A", 1, balance=900_000), Row("B", 2))
    everybody(past)
    past.tick()
    past.world.correction("M0001", day(1), Row("A", 3))  # another person was meant: the first is void
    everybody(past)
    past.tick()
    past.world.withdraw(len(past.world.ids))
    everybody(past)
    past.tick()
    past.world.withdraw(3)  # and with it the end of the arrears
    everybody(past)
    past.check_past()
    past.check_present(PEOPLE)


def test_a_loan_called_stale_is_so_for_that_time_only(past: Past) -> None:
    late = Row("B", 2, status="overdue", since=LATE)
    past.world.full("M0001", day(0), Row("A", 1), late)
    fresh = past.ask("M0002", 2)
    past.tick()
    past.world.full("M0001", day(1), Row("A", 1), late)  # confirmed, and no new version
    past.tick()
    past.world.full("M0001", day(2), Row("A", 1), Row("B", 2, broken="consent"))
    stale = past.ask("M0002", 2)
    past.tick()
    past.world.full("M0001", day(3), Row("A", 1), late)
    again = past.ask("M0002", 2)
    past.tick()
    past.check_past()
    past.world.withdraw(4)
    past.ask("M0002", 2)
    past.tick()
    past.world.withdraw(3)
    past.ask("M0002", 2)
    assert [each.told["exposure"]["lenders"] for each in (fresh, stale, again)] == [1, 1, 1]
    dpds = [loan.dpd for each in past.remembered for loan in each.facts.loans]
    assert dpds == [8, 9, 11, 9, 9]  # the stale one stays at its last good day
    by_month = [[(month.own, month.others) for month in each.months or ()][-1] for each in past.remembered]
    assert by_month == [(None, days) for days in dpds]
    past.check_past()
    past.check_present(PEOPLE)


def test_arrears_that_came_later_are_not_told_of_before(past: Past) -> None:
    late = Row("B", 2, status="overdue", since=LATE)
    for number, row in enumerate((late, Row("B", 2), replace(late, since=day(1)), Row("B", 2))):
        past.tick()
        past.world.full("M0001", day(number), Row("A", 1), row)
        past.ask("M0002", 2)
    told = [loan.bad_until for each in past.remembered for loan in each.facts.loans]
    assert told == [None, day(0), None, day(2)]
    past.check_past()
    past.check_present(PEOPLE)


def test_reservations_and_members_are_told_as_they_stood(past: Past) -> None:
    past.world.full("M0001", day(0), Row("A", 1))
    first = past.ask("M0001", 2)
    past.reserve(first)
    past.reserve(first)
    past.ask("M0002", 2)
    past.change(0, None)
    past.ask("M0002", 2)
    past.change(1, "N1")
    past.ask("M0002", 2)
    past.member("M0001", kind="bank")
    past.ask("M0002", 2)
    past.member("M0001", status="suspended")
    past.ask("M0002", 2)
    past.member("M0001", status="active")
    past.tick()
    past.world.full("M0001", day(3), Row("A", 1), Row("N1", 2, disbursed=day(3)))
    past.ask("M0002", 2)
    past.tick()
    past.world.withdraw(2)
    past.ask("M0002", 2)
    pending = [len(each.facts.reservations) for each in past.remembered]
    assert pending == [0, 2, 1, 1, 1, 1, 0, 1], "what the withdrawn file had ended counts again"
    past.check_past()
    past.check_present(PEOPLE)
