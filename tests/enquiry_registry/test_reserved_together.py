"""Several promises in one transaction: each is held against the caps as if it had come alone, after those before it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from registry_world import Desk, token
from test_meeting import together

from huxin.enquiry.lots import reserve_lot
from huxin.errors import HuxinError
from huxin.registry import reservations
from huxin.registry.connect import libpq_uri
from huxin.registry.lines import Line, Lines, RefusedError
from huxin.registry.reservations import Caps, Granted

ONE_LOAN = Caps(max_open_loans=1)


@pytest.fixture
def patient(desk: Desk) -> None:
    """A lot waits as long as a busy machine takes."""
    desk.run("ALTER FUNCTION reservation_turns(integer[], uuid[]) SET lock_timeout = '60s'")


def codes(found: list[Any]) -> list[str]:
    return [each.code if isinstance(each, HuxinError) else "granted" for each in found]


def place_of(desk: Desk, enquiry: UUID) -> int:
    query = "SELECT subject_place(subject_id) FROM enquiry_key WHERE enquiry_id = %s"
    return int(desk.run(query, [enquiry])[0][0])


def test_several_are_granted_together(desk: Desk) -> None:
    wanted = [desk.reserving(1 + n, desk.asked(1 + n, token())) for n in range(4)]
    found = reservations.reserve_all(desk.live, wanted)
    assert found == [Granted(each.id, fresh=True) for each in wanted]
    assert (desk.count("reservation"), desk.count("reservation_key")) == (4, 4)
    assert desk.count("outbox", "topic = 'reservation.granted'") == 4


def test_each_counts_those_before_it_in_its_lot(desk: Desk) -> None:
    same = token()
    wanted = [desk.reserving(member, desk.asked(member, same), caps=ONE_LOAN) for member in (1, 2, 3)]
    assert codes(reservations.reserve_all(desk.live, wanted)) == ["granted", "H1211", "H1211"]
    assert desk.count("reservation") == 1


def test_each_is_refused_for_its_own_reasons_only(desk: Desk) -> None:
    known = desk.reserving(1, desk.asked(1, token()), key="K")
    reservations.reserve(desk.live, known)
    again, other = known, desk.reserving(1, desk.asked(1, token()), key="K", body_digest=b"\7" * 32)
    nobody, good = desk.reserving(1, uuid4()), desk.reserving(2, desk.asked(2, token()))
    full = desk.reserving(3, desk.asked(3, token()), caps=Caps(max_lenders=0))
    found = reservations.reserve_all(desk.live, [again, other, nobody, good, full])
    assert found[0] == Granted(known.id, fresh=False)
    assert codes(found) == ["granted", "H1202", "H1213", "granted", "H1210"]
    assert isinstance(found[4], HuxinError)
    assert found[4].facts == {"lenders": 1, "limit": 0}
    assert desk.count("reservation") == 2


def test_who_had_to_wait_for_a_subject_is_brought_to_disk_before_it_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, patient: None
) -> None:
    wanted = [desk.reserving(1, desk.asked(1, token())) for _ in range(2)]
    sent, rows = list[str](), Line.rows

    def noted(line: Line, statement: Any, values: Any) -> Any:
        sent.append(statement.name.decode()[:4])
        return rows(line, statement, values)

    monkeypatch.setattr(Line, "rows", noted)
    reservations.reserve_all(desk.live, wanted)
    assert sent == ["lot_"]  # the commit itself was waited for
    later = [desk.reserving(1, each.enquiry_id) for each in wanted]
    with psycopg.connect(libpq_uri(desk.settings)) as holder, ThreadPoolExecutor(1) as pool:
        held = max(place_of(desk, each.enquiry_id) for each in later)
        holder.execute("SELECT subject_lock(%s)", [held])
        waiting = pool.submit(reservations.reserve_all, desk.live, later)
        stands = """
            SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """
        while desk.run(stands) == [(0,)]:
            assert not waiting.done()
        holder.rollback()
        assert codes(waiting.result(60)) == ["granted", "granted"]
    assert sent == ["lot_", "lot_", "pg_l"]


def test_what_was_repeated_is_brought_to_disk_by_the_same_connection(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose first answer was lost: the commit may still be under way."""
    wanted = desk.reserving(1, desk.asked(1, token()))
    used, rows = list[tuple[int, str]](), Line.rows

    def noted(line: Line, statement: Any, values: Any) -> Any:
        used.append((id(line), statement.name.decode()))
        return rows(line, statement, values)

    monkeypatch.setattr(Line, "rows", noted)
    assert reservations.reserve(desk.live, wanted).fresh
    assert not reservations.reserve(desk.live, wanted).fresh
    assert [name for _, name in used] == ["reservation_reserve"] * 2 + ["pg_logical_emit_message"]
    assert used[1][0] == used[2][0]


def test_a_refusal_does_not_take_the_others_from_the_disk(desk: Desk) -> None:
    """One alone that is refused need not wait for the disk; among others its commit is theirs."""
    bad = desk.reserving(2, desk.asked(2, token()))
    with psycopg.connect(libpq_uri(desk.settings)) as connection:
        for together_, left in ((True, "on"), (False, "off")):
            connection.execute(
                "SELECT reservation_reserve(%s, 2, 'R', '\\x00', %s, 1::smallint, 1, now(), now() + interval '1 h',"
                " '2020-01-01', 0, 0, 0, NULL, '', '-infinity', 9, %s, '{}', %s)",
                [bad.id, bad.enquiry_id, bad.outbox_id, together_],
            )
            assert connection.execute("SHOW synchronous_commit").fetchone() == (left,)
            connection.rollback()


def test_lots_that_cross_each_other_never_wait_for_good(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, patient: None
) -> None:
    """The same subjects in opposite orders, from several connections at once."""
    asked = [desk.asked(1, token()) for _ in range(4)]
    refused, rows = list[str](), Lines.rows

    def noted(lines: Lines, *what: Any) -> Any:
        try:
            return rows(lines, *what)
        except RefusedError as error:
            refused.append(error.sqlstate)
            raise

    monkeypatch.setattr(Lines, "rows", noted)

    def reserve(number: int) -> int:
        order = asked if number % 2 else asked[::-1]
        for _ in range(15):
            found = reservations.reserve_all(desk.live, [desk.reserving(1, each, 1) for each in order])
            assert codes(found) == ["granted"] * 4
        return number

    assert sorted(together(6, reserve)) == list(range(6))
    assert not refused
    assert desk.count("reservation") == 6 * 15 * 4


def test_no_cap_is_breached_by_lots_at_once(desk: Desk, patient: None) -> None:
    tokens = [token() for _ in range(3)]
    asked = {(member, n): desk.asked(member, each) for member in range(1, 6) for n, each in enumerate(tokens)}

    def reserve(member: int) -> list[Any]:
        wanted = [
            desk.reserving(member + 1, asked[member + 1, n], caps=Caps(max_lenders=2)) for n in range(3)
        ]
        return reservations.reserve_all(desk.live, wanted)

    found = [code for each in together(5, reserve) for code in codes(each)]
    assert (found.count("granted"), found.count("H1210")) == (6, 9)
    held = desk.run("SELECT count(*), count(DISTINCT member_id) FROM reservation GROUP BY subject_id")
    assert held == [(2, 2)] * 3


def test_lots_of_any_size_by_the_same_connection(desk: Desk) -> None:
    asked = [desk.asked(1, token()) for _ in range(16)]
    for size in (3, 4, 16, 3):
        wanted = [desk.reserving(1, each) for each in asked[:size]]
        assert codes(reservations.reserve_all(desk.live, wanted)) == ["granted"] * size


def test_a_subject_that_is_held_for_long_holds_up_nobody_else(desk: Desk) -> None:
    wanted = [desk.reserving(1, desk.asked(1, token()))]
    while len({place_of(desk, each.enquiry_id) for each in wanted}) < 2:
        wanted.append(desk.reserving(1, desk.asked(1, token())))
    wanted = [wanted[0], wanted[-1]]
    with psycopg.connect(libpq_uri(desk.settings)) as holder:
        holder.execute("SELECT subject_lock(%s)", [place_of(desk, wanted[0].enquiry_id)])
        assert reserve_lot(desk.live, wanted) == [None, None]  # each by itself then
        assert codes([reservations.reserve(desk.live, wanted[1])]) == ["granted"]
    assert desk.count("reservation") == 1


def test_what_the_registry_refuses_all_is_asked_for_one_by_one(desk: Desk) -> None:
    good, bad = (
        desk.reserving(1, desk.asked(1, token())),
        desk.reserving(2, desk.asked(2, token()), outbox="{"),
    )
    assert reserve_lot(desk.live, [good, bad]) == [None, None]
    assert desk.count("reservation") == 0
