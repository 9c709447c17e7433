"""Two subjects that were found to be one: everything on record goes to the one that is kept, and nothing is lost."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from registry_world import Desk, token

from huxin.registry import meeting
from huxin.registry.meeting import Person
from huxin.registry.partitions import ensure_month
from huxin.registry.session import connection


@pytest.fixture
def pair(desk: Desk) -> tuple[UUID, UUID]:
    """Two subjects, each with a loan, an enquiry and a reservation of its own; the first is known longer."""
    found = []
    for member in (1, 2):
        key = token()
        enquiry = desk.asked(member, key)
        (subject,) = desk.run("SELECT subject_id FROM alias WHERE token = %s", [UUID(bytes=key)])[0]
        desk.loan(subject, member, f"L{member}")
        key_of(desk, subject, member, f"L{member}", 1)
        desk.reserve(member, enquiry)
        found.append(subject)
    return found[0], found[1]


def key_of(
    desk: Desk, subject: UUID, member: int, loan_no: str, version: int, ended: int | None = None
) -> None:
    values: list[Any] = [member, loan_no, subject, version, ended]
    desk.run(
        "INSERT INTO loan_key (member_id, loan_no, subject_id, digest, version, role, open, ended_by) "
        "VALUES (%s, %s, %s, 1, %s, 1, true, %s)",
        values,
    )


def merge(desk: Desk, kept: UUID, gone: UUID) -> meeting.Rekeyed:
    desk.run("INSERT INTO subject_merge (gone, kept, found_at) VALUES (%s, %s, now())", [gone, kept])
    return meeting.rekey(desk.settings)


def test_everything_on_record_is_of_the_one_that_is_kept(desk: Desk, pair: tuple[UUID, UUID]) -> None:
    kept, gone = pair
    made = merge(desk, kept, gone)
    assert (made.merges, made.loans, made.enquiries, made.reservations) == (1, 1, 1, 1)
    for table in ("loan", "loan_key", "enquiry", "enquiry_key", "reservation", "reservation_key", "alias"):
        assert desk.run(f"SELECT count(*), count(DISTINCT subject_id) FROM {table}") == [(2, 1)], table
    assert desk.count("outbox", "topic = 'subject.merged'") == 1
    again = meeting.rekey(desk.settings)
    assert (again.merges, again.loans, desk.count("outbox", "topic = 'subject.merged'")) == (0, 0, 1)


def test_every_table_that_names_a_subject_is_thought_of(desk: Desk) -> None:
    """A new table with a subject in it fails here until subjects_rekey moves its rows, or it says why not."""
    query = """
        SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'subject_id'
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace
          AND NOT a.attisdropped ORDER BY 1
    """
    ((source,),) = desk.run("SELECT prosrc FROM pg_proc WHERE proname = 'subjects_rekey'")
    named = {name for (name,) in desk.run(query)}
    # The one that is kept may stand there already; what was refused about the other is forgotten.
    once = {"mobile_subject", "honeytoken", "reservation_refused"}
    assert {name for name in named if f"UPDATE {name} t SET subject_id" not in source} == once
    assert all(f"DELETE FROM {name} t" in source for name in once)


@pytest.mark.parametrize("newer", ["gone", "kept"])
@pytest.mark.parametrize("ended", [False, True])
def test_a_loan_that_was_reported_both_ways_is_one_loan_with_a_past(
    desk: Desk, pair: tuple[UUID, UUID], newer: str, ended: bool
) -> None:
    kept, gone = pair
    with connection(desk.settings) as database:
        ensure_month(database, desk.now)
    for subject, version in ((kept, 3), (gone, 2)):
        is_newer = (subject == gone) == (newer == "gone")
        over = {"ended_by": 2, "ended_on": desk.now.date()} if ended and not is_newer else {}
        desk.loan(subject, 4, "L9", version=version, digest=7 if is_newer else 6, **over)
        # Where one is ended, the other stands, whenever it was said.
        earlier = is_newer if ended else not is_newer
        if earlier:
            earlier_by = "UPDATE loan SET recorded_at = recorded_at - interval '1 hour' WHERE subject_id = %s"
            desk.run(earlier_by + " AND loan_no = 'L9'", [subject])
        key_of(desk, subject, 4, "L9", version, 2 if over else None)
    merge(desk, kept, gone)
    assert desk.run("SELECT digest, version FROM loan WHERE loan_no = 'L9'") == [(7, 5)]
    assert desk.run("SELECT version FROM loan_key WHERE loan_no = 'L9'") == [(5,)]
    past = desk.run("SELECT digest, version, subject_id FROM loan_history WHERE loan_no = 'L9'")
    assert past == [(6, 2 if newer == "kept" else 3, kept)]


def test_what_was_written_under_the_old_number_meanwhile_follows(desk: Desk, pair: tuple[UUID, UUID]) -> None:
    kept, gone = pair
    merge(desk, kept, gone)
    desk.record(3, gone)  # its look-up was before, its record behind
    assert meeting.rekey(desk.settings).enquiries == 1
    assert desk.run("SELECT count(DISTINCT subject_id) FROM enquiry") == [(1,)]


def test_a_chain_of_merges_leads_to_its_end(desk: Desk, pair: tuple[UUID, UUID]) -> None:
    first, second = pair
    keys = [token() for _ in range(2)]
    third = desk.gather(3, keys[0]).subject_id
    # The second and the third meet, then the first and the second: all by their keys.
    ((two,),) = desk.run("SELECT token FROM alias WHERE subject_id = %s", [second])
    ((one,),) = desk.run("SELECT token FROM alias WHERE subject_id = %s", [first])
    for tokens, elements in (([(two.bytes, 1)], [(keys[0], 1)]), ([(one.bytes, 1)], [(two.bytes, 1)])):
        _, split = meeting.meet(desk.live, Person(tokens, elements, [b"sealed"]), desk.now)
        assert split
    meeting.rekey(desk.settings)
    (kept,) = {subject for (subject,) in desk.run("SELECT subject_id FROM alias")}
    assert kept in (first, second, third)
    assert desk.run("SELECT count(DISTINCT subject_id) FROM loan") == [(1,)]
    assert {row for (row,) in desk.run("SELECT kept FROM subject_merge")} == {kept}


def test_two_that_meet_at_once_make_one_subject(desk: Desk) -> None:
    from test_meeting import together

    for _ in range(20):
        tokens, elements = [(token(), 1)], [(token(), 1)]
        persons = [
            Person(tokens, elements, [b"s"]),
            Person((), elements, [b"s"]),
            Person(tokens, elements, [b"s"]),
            Person((), elements, [b"s"]),
        ]
        found = together(4, lambda n, persons=persons: meeting.meet(desk.live, persons[n], desk.now)[0])
        assert all(isinstance(each, UUID) for each in found), found
        assert len(set(found)) == 1
    assert desk.count("subject_merge") == 0
    assert desk.count("alias") == 40


def test_a_look_makes_nobody_known_and_connects_who_is(desk: Desk) -> None:
    tokens, elements = [(token(), 1)], [(token(), 1)]
    assert meeting.meet(desk.live, Person(tokens, elements, [b"s"], claim=False), desk.now) == (None, False)
    assert desk.count("alias") == 0
    subject, _ = meeting.meet(desk.live, Person((), elements, [b"s"]), desk.now)
    assert meeting.meet(desk.live, Person(tokens, elements, [b"s"], claim=False), desk.now) == (
        subject,
        False,
    )
    assert desk.gather(1, b"", keys=tokens, blind=True).subject_id == subject


def test_nothing_is_asked_or_counted_of_whom_has_not_met(desk: Desk) -> None:
    tokens, elements = [(token(), 1)], [(token(), 1)]
    for _ in range(2):
        found = desk.gather(1, b"", keys=tokens, blind=True)
        assert (found.met, found.subject_id, found.facts, found.day_used) == (False, None, b"", 0)
    assert (desk.count("alias"), desk.count("quota")) == (0, 0)
    subject, _ = meeting.meet(desk.live, Person(tokens, elements, [b"s"]), desk.now)
    for keys in (tokens, elements):
        found = desk.gather(1, b"", keys=keys, blind=True)
        assert (found.met, found.subject_id) == (True, subject)
    # Where blind mode is off nobody need have met.
    assert desk.gather(1, b"", keys=[(token(), 1)]).met


def test_the_app_may_not_rekey(desk: Desk) -> None:
    with desk.live.connection() as connection, pytest.raises(Exception, match="permission denied"):
        connection.execute("SELECT * FROM subjects_rekey(now())")
