"""Reservations that change more than once: no cap is passed by it, no past is lost, and nobody's slip stays."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from registry_world import Desk, token

from huxin.errors import HuxinError
from huxin.registry import reservations
from huxin.registry.connect import libpq_uri
from huxin.registry.reservations import Caps

DAY = timedelta(days=1)
CAPS = Caps(max_outstanding=200_000, step=10_000, exact=("full",))


@pytest.fixture
def subject(desk: Desk) -> UUID:
    found = desk.gather(1, token()).subject_id
    assert found is not None
    return found


def promised(desk: Desk, subject: UUID, member: int = 1, amount: int = 150_000) -> UUID:
    return desk.reserve(member, desk.record(member, subject).id, amount, caps=CAPS).id


def refused(desk: Desk, change: reservations.Changing, number: str | None = None) -> str:
    with pytest.raises(HuxinError) as caught:
        if number is None:
            reservations.release(desk.live, change)
        else:
            reservations.convert(desk.live, change, desk.now + 7 * DAY, loan_no=number)
    return f"{caught.value.code} {caught.value.facts.get('state', '')}".rstrip()


def test_what_was_hidden_behind_a_loan_does_not_come_back_over_the_cap(desk: Desk, subject: UUID) -> None:
    """Its loan stands, so it counts no more; and it is over, whether or not the night has ended it yet."""
    first = promised(desk, subject)
    desk.loan(subject, 1, "SMALL", balance=100, disbursed_on=(desk.now + DAY).date())
    assert reservations.convert(desk.live, desk.changing(1, first), desk.now + 7 * DAY, loan_no="SMALL")
    promised(desk, subject, 2, 199_000)
    change = desk.changing(1, first)
    assert {refused(desk, change), refused(desk, change, "OTHER")} == {"H1214 ended"}
    assert not reservations.convert(desk.live, change, desk.now + 7 * DAY, loan_no="SMALL"), "said again"
    live = desk.run("SELECT sum(amount) FROM reservations_live(%s, %s)", (subject, desk.now))
    assert live == [(199_000,)]


def test_a_late_repeat_does_not_take_the_right_number_back(desk: Desk, subject: UUID) -> None:
    made, until = promised(desk, subject), desk.now + DAY
    for hour, number in enumerate(("WRONG", "RIGHT")):
        change = desk.changing(1, made, desk.now + timedelta(hours=hour))
        assert reservations.convert(desk.live, change, until, loan_no=number)
    assert refused(desk, desk.changing(1, made), "WRONG") == "H1225"
    assert desk.run("SELECT loan_no FROM reservation") == [("RIGHT",)]
    assert reservations.convert(desk.live, desk.changing(1, made), until, "WRONG", "CONTRACT"), (
        "both say it is meant"
    )


def test_one_loan_ends_one_promise(desk: Desk, subject: UUID) -> None:
    """Else one small loan would take any number of promises out of everybody's answers."""
    first, second = (promised(desk, subject, amount=90_000) for _ in range(2))
    until = desk.now + 7 * DAY
    assert reservations.convert(desk.live, desk.changing(1, first), until, "L", "C")
    for state in (2, 4):
        desk.run("UPDATE reservation SET state = %s WHERE id = %s", (state, first))
        for numbers in (("L", None), (None, "C"), ("M", "C")):
            with pytest.raises(HuxinError) as caught:
                reservations.convert(desk.live, desk.changing(1, second), until, *numbers)
            assert caught.value.code == "H1226"
    assert reservations.convert(desk.live, desk.changing(1, second), until, "M")


def test_who_looked_before_another_changed_it_has_to_look_again(desk: Desk, subject: UUID) -> None:
    made = promised(desk, subject)
    early, late = (desk.changing(1, made, desk.now + place * timedelta(milliseconds=1)) for place in (5, 10))
    assert reservations.convert(desk.live, late, desk.now + DAY, loan_no="L1")
    with pytest.raises(reservations.MovedError):
        reservations.convert(desk.live, early, desk.now + DAY, loan_no="L2")
    with pytest.raises(reservations.MovedError):
        reservations.release(desk.live, early)
    assert desk.run("SELECT state, superseded_at FROM reservation_past") == [(1, late.now)]


def test_who_sees_no_amounts_any_more_reserves_in_steps_on_what_was_asked_before(
    desk: Desk, subject: UUID
) -> None:
    asked = desk.record(1, subject, tier="full").id
    desk.loan(subject, 2, "A", balance=90_010)
    desk.run("UPDATE member SET tier = 'query_only' WHERE id = 1")
    with pytest.raises(HuxinError) as caught:
        desk.reserve(1, asked, 100_001, caps=CAPS)
    assert caught.value.code == "H1212"
    assert desk.reserve(1, asked, 100_000, caps=CAPS).fresh


def test_who_stopped_reporting_reserves_in_steps(desk: Desk, subject: UUID) -> None:
    asked, today = desk.record(1, subject, tier="full").id, desk.settings.today()
    desk.loan(subject, 2, "A", balance=90_010)
    desk.run("UPDATE member SET as_of_date = %s WHERE id = 1", (today - 32 * DAY,))
    for days, most in ((31, 100_000), (32, 109_990)):
        caps = Caps(max_outstanding=200_000, step=10_000, exact=("full",), reported_since=today - days * DAY)
        with pytest.raises(HuxinError):
            desk.reserve(1, asked, most + 1, caps=caps)
        made = desk.reserve(1, asked, most, caps=caps).id
        assert reservations.release(desk.live, desk.changing(1, made))


def test_whoever_waited_for_a_merge_counts_the_whole_subject(desk: Desk) -> None:
    """The reservation has looked up its subject, which is one with another when its turn comes."""
    kept, gone = (desk.gather(member, token()).subject_id for member in (2, 1))
    assert kept and gone
    desk.loan(kept, 2, "K", balance=190_000)
    asked, found = desk.record(1, gone).id, list[str]()

    def reserve() -> None:
        try:
            desk.reserve(1, asked, 150_000, caps=CAPS)
        except HuxinError as error:
            found.append(error.code)

    with psycopg.connect(libpq_uri(desk.settings)) as connection:
        connection.execute(
            "INSERT INTO subject_merge (gone, kept, found_at) VALUES (%s, %s, now())", (gone, kept)
        )
        connection.commit()
        connection.execute("SELECT * FROM subjects_rekey(now())")
        waiting = threading.Thread(target=reserve)
        waiting.start()
        while not desk.count("pg_locks", "locktype = 'advisory' AND NOT granted"):
            assert waiting.is_alive()
        connection.commit()
    waiting.join()
    assert found == ["H1212"]
