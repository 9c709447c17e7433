"""What the night does for enquiries: reservations end when loans come, arrears stay known; it runs as the loader."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from night_world import Row, World, day, ready
from sqlalchemy import text

from huxin.registry.partitions import ensure_month
from huxin.registry.session import connection, forget_engine
from huxin.settings import SHANGHAI, Settings

OVERDUE = date(2026, 5, 20)


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    made = World(ready(settings), settings.home / "inbox")
    made.folder.mkdir()
    yield made
    forget_engine(made.settings)


def rows(world: World, query: str, **values: object) -> list[tuple[object, ...]]:
    with connection(world.settings) as database:
        found = database.execute(text(query), values)
        return [tuple(row) for row in found] if found.returns_rows else []


def subject_of(world: World, loan_no: str) -> UUID:
    ((found,),) = rows(world, "SELECT subject_id FROM loan WHERE loan_no = :no", no=loan_no)
    assert isinstance(found, UUID)
    return found


def converted(world: World, subject: UUID, member: int, **numbers: str) -> UUID:
    """A reservation of the first day that waits for its loan."""
    id_ = uuid4()
    values = {
        "id": id_,
        "subject": subject,
        "member": member,
        "loan_no": None,
        "contract_no": None,
        "granted": datetime.combine(day(0), time(9), SHANGHAI),
        **numbers,
    }
    rows(
        world,
        """INSERT INTO reservation VALUES (:subject, :id, :member, :id, 2, 1, 100, :granted,
            :granted + interval '7 days', :granted, :loan_no, :contract_no)""",
        **values,
    )
    return id_


def states(world: World) -> dict[object, object]:
    return dict(rows(world, "SELECT id, state FROM reservation"))


def told(world: World, topic: str) -> list[tuple[object, ...]]:
    query = "SELECT body->>'reservation', body->>'member' FROM outbox WHERE topic = :topic ORDER BY 1"
    return rows(world, query, topic=topic)


def new(loan_no: str, **said: Any) -> Row:
    """A loan that was lent on the first day."""
    return Row(loan_no, 1, disbursed=day(0), **said)


def test_reservations_end_when_their_loans_come(world: World) -> None:
    world.full("M0001", day(0), Row("A", 1))
    subject = subject_of(world, "A")
    by_loan = converted(world, subject, 1, loan_no="N1")
    by_contract = converted(world, subject, 1, contract_no="N2")
    others = converted(world, subject, 2, loan_no="N1")
    late = converted(world, subject, 1, loan_no="N3")
    world.full("M0001", day(1), Row("A", 1), new("N1"), new("N2"))
    assert states(world) == {by_loan: 4, by_contract: 4, others: 2, late: 2}
    assert told(world, "reservation.ended") == sorted([(str(by_loan), "1"), (str(by_contract), "1")])
    world.full("M0001", day(2), Row("A", 1), new("N1"), new("N2"))
    assert len(told(world, "reservation.ended")) == 2


def test_an_older_loan_of_the_same_number_ends_no_reservation(world: World) -> None:
    """A contract has many drawings: one that was lent before is not what was promised."""
    world.full("M0001", day(0), Row("A", 1))
    subject = subject_of(world, "A")
    waiting = [
        converted(world, subject, 1, contract_no="A"),
        converted(world, subject, 1, loan_no="A"),
        converted(world, subject, 1, loan_no="B"),
    ]
    world.full("M0001", day(1), Row("A", 1), Row("B", 1, disbursed=day(0) - timedelta(days=1)))
    assert (states(world), told(world, "reservation.ended")) == (dict.fromkeys(waiting, 2), [])
    now = datetime.combine(day(1), time(9), SHANGHAI)
    live = "SELECT count(*) FROM reservations_live(:subject, :now)"
    assert rows(world, live, subject=subject, now=now) == [(3,)]


def test_what_a_withdrawn_file_ended_counts_again(world: World) -> None:
    """Else the money that was lent would be in nobody's answer until the file is sent anew."""
    world.full("M0001", day(0), Row("A", 1))
    subject = subject_of(world, "A")
    both = converted(world, subject, 1, loan_no="N1"), converted(world, subject, 1, loan_no="N2")
    world.full("M0001", day(1), Row("A", 1), new("N1"))
    world.full("M0001", day(2), Row("A", 1), new("N1"), new("N2"))
    assert states(world) == dict.fromkeys(both, 4)
    world.withdraw(3)
    assert states(world) == {both[0]: 4, both[1]: 2}
    assert told(world, "reservation.resumed") == [(str(both[1]), "1")]
    world.full("M0001", day(3), Row("A", 1), new("N1"), new("N2"))
    assert states(world) == dict.fromkeys(both, 4)
    assert len(told(world, "reservation.ended")) == 3


def adverse(world: World) -> list[tuple[object, ...]]:
    return rows(world, "SELECT loan_no, since, until, dpd FROM loan_adverse ORDER BY loan_no, until")


def test_arrears_that_ended_are_known_up_to_the_last_day_they_stood(world: World) -> None:
    """Confirmed on the second day without a change; paid by the third."""
    world.full("M0001", day(0), Row("A", 1, status="overdue", since=OVERDUE), Row("B", 2))
    world.full("M0001", day(1), Row("A", 1, status="overdue", since=OVERDUE), Row("B", 2))
    assert adverse(world) == []
    world.full("M0001", day(2), Row("A", 1), Row("B", 2, balance=1))
    assert adverse(world) == [("A", OVERDUE, day(1), 9)]


def test_a_mistake_mended_the_same_day_is_no_arrears(world: World) -> None:
    world.full("M0001", day(0), Row("A", 1, status="overdue", since=OVERDUE))
    world.correction("M0001", day(0), Row("A", 1))
    assert adverse(world) == []


def test_what_is_withdrawn_ended_no_arrears(world: World) -> None:
    world.full("M0001", day(0), Row("A", 1, status="overdue", since=OVERDUE))
    world.full("M0001", day(1), Row("A", 1))
    assert adverse(world) == [("A", OVERDUE, day(0), 8)]
    world.withdraw(2)
    assert adverse(world) == []


def test_a_night_runs_as_the_loader(world: World) -> None:
    """Once somebody who owns the tables has made the months: a partition is its parent's owner's to add."""
    with connection(world.settings) as database:
        ensure_month(database, world.settings.now())
    owner = world.settings
    address = f"{world.settings.database_url}&options=-c%20role%3Dhuxin_loader"
    world.settings = replace(world.settings, database_url=address)
    assert rows(world, "SELECT current_user") == [("huxin_loader",)]
    world.full("M0001", day(1), Row("A", 1), Row("B", 2, status="overdue", since=OVERDUE))
    world.full("M0001", day(2), Row("A", 1, balance=5), Row("B", 2))
    world.withdraw(2)
    world.full("M0001", day(3), Row("A", 1, balance=7))
    world.settings = owner  # the sums are written by triggers, and not for the loader to read
    world.check()
