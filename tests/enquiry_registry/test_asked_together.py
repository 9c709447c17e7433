"""Several questions in one round trip: each is told what it would be told alone; what is peculiar is left."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from registry_world import LOAN, Desk, token
from test_meeting import together

from huxin.errors import HuxinError
from huxin.registry import enquiry_lots, gathering
from huxin.registry.connect import libpq_uri
from huxin.registry.enquiries import Recorded
from huxin.registry.lines import Lines, RefusedError

WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
OTHER_COLUMNS = ", ".join(["member_id", "submission_id", "recorded_at", *LOAN])
LOAN_COLUMNS = f"subject_id, loan_no, {OTHER_COLUMNS}"


def known(desk: Desk, count: int) -> list[bytes]:
    """Tokens of so many subjects with a loan each, the last of them asked about before."""
    tokens = [token() for _ in range(count)]
    for number, each in enumerate(tokens):
        subject = desk.gather(1, each).subject_id
        assert subject is not None
        desk.loan(subject, 1 + number % 3, f"L{number}", balance=1_000 * number)
    desk.asked(2, tokens[-1])
    desk.run("DELETE FROM quota")
    return tokens


def test_each_is_told_what_it_would_be_told_alone(desk: Desk) -> None:
    tokens = known(desk, 5)
    askings = [desk.asking(5 - number, each) for number, each in enumerate(tokens)]
    found = enquiry_lots.gather_all(desk.live, askings)
    desk.run("DELETE FROM quota")
    assert found == [gathering.gather(desk.live, each) for each in askings]


def test_keys_marks_and_mobiles_of_several_lengths_are_told_apart(desk: Desk) -> None:
    """One has keys and marks of two generations, one no name, one another's name, one a mobile; two have promises."""
    first, second, third = known(desk, 3)
    mark, other, mobile = uuid4().bytes, uuid4().bytes, token()
    subject = desk.gather(1, first, mobile_keys=[(mobile, 1)]).subject_id
    assert subject is not None
    desk.run("UPDATE loan SET name_mark = %s", [UUID(bytes=mark)])
    for member, key in ((2, "A"), (3, "B")):
        desk.reserve(member, desk.asked(member, first), key=key)
    desk.run("DELETE FROM quota")
    askings = [
        replace(desk.asking(1, first), keys=[(first, 1), (token(), 2)], name_marks=[other, mark]),
        desk.asking(2, second),
        desk.asking(3, third, name_marks=[other]),
        desk.asking(4, first, mobile_keys=[(mobile, 1)], name_marks=[mark]),
    ]
    found = enquiry_lots.gather_all(desk.live, askings)
    desk.run("DELETE FROM quota")
    assert found == [gathering.gather(desk.live, each) for each in askings]
    names = [each and [loan["name"] for loan in json.loads(each.facts)["loans"]] for each in found]
    assert names == [[True], [None], [False], [True]]
    assert [each and len(json.loads(each.facts)["reservations"]) for each in found] == [2, 0, 0, 2]


def test_of_a_member_that_does_not_exist_nothing_is_told(desk: Desk) -> None:
    (first,) = known(desk, 1)
    found = enquiry_lots.gather_all(desk.live, [desk.asking(99, first), desk.asking(1, first)])
    assert [each is not None for each in found] == [False, True]


def test_each_counts_once_against_its_own_quota(desk: Desk) -> None:
    tokens = known(desk, 3)
    who = [2, 1, 2]
    askings = [desk.asking(member, each, per_minute=9) for member, each in zip(who, tokens, strict=True)]
    found = enquiry_lots.gather_all(desk.live, askings)
    assert sorted(each.minute_used for each in found if each) == [1, 1, 2]
    assert desk.run("SELECT member_id, minute_used FROM quota ORDER BY 1") == [(1, 1), (2, 2)]


def test_who_is_not_known_is_made_known_beside_the_others(desk: Desk) -> None:
    """Two of them are one person, with two mobiles; one has been known, with another mobile."""
    (first,), stranger, mobiles = known(desk, 1), token(), [token() for _ in range(3)]
    askings = [
        desk.asking(1, stranger, mobile_keys=[(mobiles[0], 1)]),
        desk.asking(2, first, mobile_keys=[(mobiles[1], 1)]),
        desk.asking(3, stranger, mobile_keys=[(mobiles[2], 1)]),
        desk.asking(4, token()),
    ]
    found = enquiry_lots.gather_all(desk.live, askings)
    assert all(found)
    assert (desk.count("alias"), desk.count("mobile_alias")) == (3, 3)
    assert len({each.subject_id for each in found if each}) == 3
    assert [each and (each.minute_used, each.day_used) for each in found] == [(1, 1)] * 4
    desk.run("DELETE FROM quota")
    assert found == [gathering.gather(desk.live, each) for each in askings]


def test_a_lot_of_one_makes_him_known_too(desk: Desk) -> None:
    asking = desk.asking(1, token(), mobile_keys=[(token(), 1)])
    (found,) = enquiry_lots.gather_all(desk.live, [asking])
    assert found is not None
    assert (found.subject_id, desk.count("mobile_alias")) == (
        gathering.gather(desk.live, asking).subject_id,
        1,
    )


@pytest.mark.parametrize("beside", [True, False])
def test_who_is_not_to_be_made_known_in_a_lot_is_left_alone_and_not_counted(desk: Desk, beside: bool) -> None:
    """Keys of two generations; two ways to one person that have to meet; an operator, who makes nobody known."""
    (first,) = known(desk, 1)
    for asking in (
        replace(desk.asking(1, token()), keys=[(token(), 1), (token(), 2)]),
        desk.asking(1, first, mobile_keys=[(token(), 1), (token(), 2)]),
        desk.asking(1, token(), blind=True),
        desk.asking(1, token(), claim=False),
    ):
        others = [desk.asking(2, first)] if beside else []
        found = enquiry_lots.gather_all(desk.live, [asking, *others])
        assert [each is not None for each in found] == [False, *[True] * len(others)]
    assert (desk.count("alias"), desk.count("mobile_alias")) == (1, 0)
    assert desk.run("SELECT DISTINCT member_id FROM quota") == ([(2,)] if beside else [])


@pytest.mark.parametrize("beside", [True, False])
def test_whom_another_is_just_making_known_a_lot_does_not_wait_for(desk: Desk, beside: bool) -> None:
    """A load has whom it brings to itself for minutes."""
    (first,), person = known(desk, 1), token()
    others = [desk.asking(2, first)] if beside else []
    with psycopg.connect(libpq_uri(desk.settings)) as loading:
        loading.execute(
            "INSERT INTO alias (token, scheme, subject_id, claimed_at) VALUES (%s, 1, %s, now())",
            (UUID(bytes=person), uuid4()),
        )
        with pytest.raises(HuxinError) as caught:
            enquiry_lots.gather_all(desk.live, [*others, desk.asking(1, person)])
        assert caught.value.facts["sqlstate"] == "55P03"  # lock_not_available
        assert desk.count("quota") == 0
        assert all(enquiry_lots.gather_all(desk.live, [desk.asking(2, first)] * 2))
    assert enquiry_lots.gather_all(desk.live, [*others, desk.asking(1, person)])[-1] is not None


def test_of_whom_a_load_made_known_meanwhile_its_loans_are_told(desk: Desk) -> None:
    """The lot waits a moment for the load, and its snapshot is older than what that brings."""
    (first,) = known(desk, 1)
    for attempt in range(50):  # on a busy machine the load may end too late for the lot
        person, subject = token(), uuid4()
        uri = libpq_uri(desk.settings)
        with (
            psycopg.connect(uri) as loading,
            psycopg.connect(uri, autocommit=True) as watching,
            ThreadPoolExecutor(1) as pool,
        ):
            loading.execute(
                "INSERT INTO alias (token, scheme, subject_id, claimed_at) VALUES (%s, 1, %s, now())",
                (UUID(bytes=person), subject),
            )
            loading.execute(
                f"INSERT INTO loan ({LOAN_COLUMNS}) SELECT %s, %s, {OTHER_COLUMNS} FROM loan LIMIT 1",
                (subject, f"N{attempt}"),
            )
            askings = [desk.asking(2, first), desk.asking(1, person)]
            asked = pool.submit(enquiry_lots.gather_all, desk.live, askings)
            while not asked.done() and not watching.execute(WAITING).fetchone():
                pass
            loading.commit()
            try:
                found = asked.result(30)[1]
            except HuxinError:
                continue
        assert found is not None
        assert found.subject_id == subject
        assert len(json.loads(found.facts)["loans"]) == 1
        return
    pytest.fail("no lot waited for so short a load")


def test_a_year_is_each_questions_own(desk: Desk) -> None:
    """Beside one who asks with an earlier moment, as one who has waited for the turn."""
    first, second = known(desk, 2)
    subject = desk.gather(1, first).subject_id
    assert subject is not None
    desk.record(2, subject, asked_at=desk.now - timedelta(days=365) + timedelta(seconds=2))
    late = desk.asking(1, first, now=desk.now + timedelta(seconds=5))
    desk.run("DELETE FROM quota")
    found = enquiry_lots.gather_all(desk.live, [desk.asking(1, second), late])[1]
    assert found is not None
    assert found.facts == gathering.gather(desk.live, late).facts


def test_whoever_is_made_known_in_a_lot_is_on_disk_before_the_enquiry_is(desk: Desk) -> None:
    """As with one by itself (test_recording): a crash between the two would lose whose the enquiry is."""
    (first,), person, mobile = known(desk, 1), token(), token()
    waits = []

    def noted(statement: Any, values: Any) -> list[Any]:
        with (
            psycopg.connect(libpq_uri(desk.settings), autocommit=True) as connection,
            connection.transaction(),
        ):
            sent = [None if value is None else bytes(value) for value in statement.sent(values)]
            result = connection.pgconn.exec_params(statement.text, sent, None, statement.formats, 1)
            row = connection.execute("SHOW synchronous_commit").fetchone()
            waits.append((result.ntuples, row and row[0]))
        return []

    desk.live.lot = noted  # type: ignore[method-assign]
    for whom in (person, person, token(), first):
        asking = desk.asking(1, whom, mobile_keys=[(mobile, 1)])
        enquiry_lots.gather_all(desk.live, [desk.asking(2, first), asking])
    enquiry_lots.gather_all(
        desk.live, [desk.asking(2, first), desk.asking(1, first, mobile_keys=[(token(), 1)])]
    )
    assert waits == [(2, "on"), (2, "off"), (2, "on"), (2, "off"), (2, "on")]


def test_keys_that_are_not_in_force_spoil_nobody_elses_answer(desk: Desk) -> None:
    (first,) = known(desk, 1)
    desk.run(
        "INSERT INTO token_scheme (id, suite, id_type, entry_epoch, registry_epoch, state)"
        " VALUES (77, 'hmac-sm3', 'resident_id', 1, 77, 2)"  # closed
    )
    stale = replace(desk.asking(1, first), keys=[(first, 77)])
    found = enquiry_lots.gather_all(desk.live, [stale, desk.asking(1, first)])
    assert found[0] is None
    assert found[1] is not None


def test_a_suspended_member_is_told_so_beside_others(desk: Desk) -> None:
    (first,) = known(desk, 1)
    desk.run("UPDATE member SET status = 'suspended' WHERE id = 2")
    found = enquiry_lots.gather_all(desk.live, [desk.asking(2, first), desk.asking(1, first)])
    assert [each and each.member_status for each in found] == ["suspended", "active"]


def test_where_blind_mode_is_on_who_has_not_met_is_left_alone(desk: Desk) -> None:
    first, second = known(desk, 2)
    desk.run("UPDATE alias SET met = true WHERE token = %s", [UUID(bytes=first)])
    askings = [desk.asking(1, each, blind=True) for each in (first, second)]
    found = enquiry_lots.gather_all(desk.live, askings)
    assert [each is not None for each in found] == [True, False]


def test_lots_that_cross_each_other_never_wait_for_good(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Members in opposite orders, the same subjects, from several connections at once: a deadlock would be mended by
    asking again, and is counted here."""
    tokens, refused, rows = known(desk, 4), list[str](), Lines.rows

    def noted(lines: Lines, *asked: Any) -> Any:
        try:
            return rows(lines, *asked)
        except RefusedError as error:
            refused.append(error.sqlstate)
            raise

    monkeypatch.setattr(Lines, "rows", noted)

    def ask(number: int) -> int:
        order = [1, 2, 3, 4] if number % 2 else [4, 3, 2, 1]
        for _ in range(20):
            askings = [desk.asking(member, tokens[member - 1]) for member in order]
            assert all(enquiry_lots.gather_all(desk.live, askings))
        return number

    assert sorted(together(6, ask)) == list(range(6))
    assert not refused
    assert desk.run("SELECT sum(minute_used) FROM quota") == [(6 * 20 * 4,)]


def test_several_are_recorded_together(desk: Desk) -> None:
    news = [desk.new(1 + number, uuid4(), answer=b"%d" % number) for number in range(3)]
    assert enquiry_lots.record_new(desk.live, news) == [
        Recorded(new.id, new.answer, fresh=True) for new in news
    ]
    assert (desk.count("enquiry"), desk.count("enquiry_key"), desk.count("outbox")) == (3, 3, 3)


def test_a_key_used_before_is_no_matter_of_the_others(desk: Desk) -> None:
    subject = uuid4()
    desk.record(1, subject, key="K")
    other, same = desk.new(1, subject, key="K", body_digest=b"\7" * 32), desk.new(1, subject, key="N")
    twice = desk.new(1, subject, key="N")
    found = enquiry_lots.record_new(desk.live, [other, same, twice])
    assert found == [None, Recorded(same.id, same.answer, fresh=True), None]
    assert desk.count("enquiry") == 2


def test_one_that_the_registry_refuses_takes_all_with_it(desk: Desk) -> None:
    good, bad = desk.new(1, uuid4()), desk.new(1, uuid4(), outbox="{")
    with pytest.raises(HuxinError) as caught:
        enquiry_lots.record_new(desk.live, [good, bad])
    assert caught.value.code == "H0501"
    assert desk.count("enquiry") == 0


def test_lots_of_any_size_by_the_same_connection(desk: Desk) -> None:
    """The server tells prepared statements apart by so many bytes of their names alone."""
    tokens = known(desk, 16)
    for size in (5, 6, 16, 5, 6):
        askings = [desk.asking(1, each) for each in tokens[:size]]
        assert all(enquiry_lots.gather_all(desk.live, askings))
        news = [desk.new(1, uuid4()) for _ in range(size)]
        assert all(enquiry_lots.record_new(desk.live, news))


def test_who_comes_late_with_the_minute_before_resets_nothing(desk: Desk) -> None:
    (first,) = known(desk, 1)
    late, now = desk.now, desk.now + timedelta(minutes=1)
    used = [desk.gather(1, first, now=each, per_minute=9).minute_used for each in (late, now, late, now)]
    assert used == [1, 1, 2, 3]
    assert desk.gather(1, first, now=now + timedelta(minutes=1)).minute_used == 1
    assert desk.gather(1, first, now=now - timedelta(days=9)).minute_used == 1  # a clock that was set back
