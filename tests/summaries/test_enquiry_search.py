"""Operators find enquiries by who asked, why and when; by whom it was about only as an act that stays on record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import text

from huxin.cli.setup import prepare
from huxin.enquiry.check_words import Account, Check
from huxin.enquiry.checking import Checker
from huxin.enquiry.desk import Desk
from huxin.enquiry.request import Asker, EnquiryRequest
from huxin.enquiry.searching import REASONS, SEARCH, Act, Wanted, find, find_about
from huxin.enquiry.subject_keys import Person
from huxin.errors import HuxinError
from huxin.registry import directory
from huxin.registry.directory import Search
from huxin.registry.members import add_members, list_members
from huxin.registry.sequencing import drain
from huxin.registry.session import connection, forget_engine
from huxin.settings import Settings
from support.queries import LARGE, watched
from support.rows import resident_id

TODAY = date(2026, 5, 31)
ACT = Act("op.wang", "dispute", "AH-17")


@pytest.fixture
def home(settings: Settings) -> Iterator[Settings]:
    """Three members that asked about nine people, twice each, an hour between two of their questions."""
    prepare(settings)
    with connection(settings) as database:
        add_members(database, [(f"M000{number}", "小贷") for number in (1, 2, 3)], settings.now())
        members = list_members(database)
    for number in range(18):
        at = settings.now() - timedelta(hours=18 - number)
        desk = Desk(replace(settings, fixed_now=at))
        member = members[number % 3]
        purpose = "guarantee" if number % 6 == 5 else "application"
        request = EnquiryRequest(
            Person("resident_id", resident_id(number % 9)),
            purpose,
            f"SQ-{number % 4}",
            date(2027, 1, 1),
            f"S-{number % 2}",
            "case",
        )
        desk.enquire(Asker(member.id, member.code), request, f"key-{number}")
        desk.close()
    drain(settings)
    yield settings
    forget_engine(settings)


def day(settings: Settings, **wanted: str) -> Wanted:
    return Wanted(settings.now() - timedelta(days=1), settings.now(), **wanted)


def about(number: int) -> Person:
    return Person("resident_id", resident_id(number))


def code_of(call, *values) -> str:  # type: ignore[no-untyped-def]
    with pytest.raises(HuxinError) as error:
        call(*values)
    return error.value.code


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        ({}, range(18)),
        ({"member": "M0002"}, range(1, 18, 3)),
        ({"staff": "S-1"}, range(1, 18, 2)),
        ({"purpose": "guarantee"}, (5, 11, 17)),
        ({"consent_no": "SQ-3"}, (3, 7, 11, 15)),
        ({"member": "M0003", "purpose": "guarantee", "consent_no": "SQ-1", "staff": "S-1"}, (5, 17)),
        ({"staff": "nobody"}, ()),
    ],
)
def test_all_that_is_wanted_has_to_hold(home: Settings, wanted: dict[str, str], numbers: range) -> None:
    found = find(home, day(home, **wanted), most=100).entries
    hours = [18 - (home.now() - each.asked_at) // timedelta(hours=1) for each in found]
    assert hours == sorted(numbers, reverse=True)


def test_pages_follow_each_other_without_a_gap_or_a_doubled_row(home: Settings) -> None:
    whole = [each.id for each in find(home, day(home), most=100).entries]
    seen, before = [], None
    while True:
        page = find(home, day(home), before, 5)
        seen += [each.id for each in page.entries]
        if page.next is None:
            break
        before = page.next
    assert seen == whole


def test_time_bounds_are_those_of_the_question(home: Settings) -> None:
    begin, end = home.now() - timedelta(hours=10), home.now() - timedelta(hours=7)
    found = find(home, Wanted(begin, end)).entries
    assert [each.asked_at for each in found] == [end - timedelta(hours=1), end - timedelta(hours=2), begin]


def test_a_handle_leads_to_what_its_member_asked_and_to_nobody_elses(home: Settings) -> None:
    desk = Desk(home)
    with connection(home) as database:
        subject = database.execute(text("SELECT subject_id FROM enquiry ORDER BY id LIMIT 1")).scalar_one()
        first = {each.code: each.id for each in list_members(database)}
    handle = desk.keys.handle(first["M0001"], subject.bytes)
    desk.close()
    found = find(home, day(home, member="M0001", handle=handle.upper())).entries
    assert len(found) == 2
    assert {each.member for each in found} == {"M0001"}
    assert find(home, day(home, member="M0002", handle=handle)).entries == []
    assert code_of(find, home, day(home, handle=handle)) == "H2306"
    assert code_of(find, home, day(home, member="M0001", handle="x" * 32)) == "H2306"
    assert code_of(find, home, day(home, member="M0001", handle="一" * 32)) == "H2306"


def test_a_search_by_identifier_finds_who_asked_and_is_a_leaf(home: Settings) -> None:
    found = find_about(home, about(4), day(home), ACT).entries
    assert [each.member for each in found] == ["M0002", "M0002"]
    drain(home)
    with connection(home) as database:
        query = "SELECT record FROM audit_leaf WHERE topic = 'operator.searched'"
        (record,) = database.execute(text(query)).scalars()
        whole = "\n".join(database.execute(text("SELECT record FROM audit_leaf")).scalars())
    for said in (SEARCH, '"by":"op.wang"', '"reason":"dispute"', '"shown":2', '"reference":"AH-17"'):
        assert said in record
    assert resident_id(4) not in whole


def test_a_search_in_vain_is_a_leaf_too_and_claims_nobody(home: Settings) -> None:
    with connection(home) as database:
        before = database.execute(text("SELECT count(*) FROM alias")).scalar_one()
    assert find_about(home, about(500), day(home), ACT).entries == []
    with connection(home) as database:
        assert database.execute(text("SELECT count(*) FROM alias")).scalar_one() == before
        waiting = "SELECT count(*) FROM outbox WHERE topic = 'operator.searched'"
        assert database.execute(text(waiting)).scalar_one() == 1


def test_an_operators_own_questions_are_found(home: Settings) -> None:
    checker = Checker(home, "M0001", Account("op.li"))
    checker.ask([Check(about(4), None, None)])
    later = Wanted(home.now() - timedelta(days=1), home.now() + timedelta(seconds=1))
    assert find_about(home, about(4), later, ACT).entries[0].staff == "op.li"
    assert len(find(home, replace(later, purpose="operator_check")).entries) == 1


@pytest.mark.parametrize(
    ("person", "act", "code"),
    [
        (Person("resident_id", "123"), ACT, "H0801"),
        (Person("library_card", "123"), ACT, "H0803"),
        (about(4), Act("op.wang", "curiosity"), "H2307"),
        (about(4), Act("op.wang", "dispute", f"case of {resident_id(4)}"), "H1207"),
    ],
)
def test_what_will_not_do_is_neither_looked_up_nor_noted(
    home: Settings, person: Person, act: Act, code: str
) -> None:
    assert code_of(find_about, home, person, day(home), act) == code
    with connection(home) as database:
        assert database.execute(text("SELECT count(*) FROM outbox")).scalar_one() == 0


def test_other_faults_have_their_codes(home: Settings) -> None:
    assert code_of(find, home, day(home, member="M0009")) == "H0701"
    assert code_of(find, home, Wanted(home.now(), home.now())) == "H2304"
    assert code_of(find, home, day(home, purpose="curiosity")) == "H2305"
    assert set(REASONS) == {"dispute", "complaint", "authority", "incident"}


def test_no_search_walks_through_the_enquiries(home: Settings) -> None:
    since, until = home.now() - timedelta(days=300), home.now()
    named = {"member_id": 1, "staff": "S-1", "purpose": "guarantee", "consent_no": "SQ-3"}
    with connection(home) as database:
        database.execute(text("ANALYZE enquiry, enquiry_directory, enquiry_key"))
        subject = database.execute(text("SELECT subject_id FROM enquiry LIMIT 1")).scalar_one()
    searches = [
        Search(since, until),
        Search(since, until, subjects=(subject,)),
        Search(since, until, **named),
    ]
    searches += [Search(since, until, **{name: value}) for name, value in named.items()]
    with watched() as seen, connection(home) as database:
        for each in searches:
            directory.search(database, each, None, 51)
            directory.search(database, each, subject, 51)
        directory.subjects_asked(database, 1, since, until, 1_000)
    assert seen.count == 2 * len(searches) + 1
    assert seen.walks(home) == []
    with watched() as blind, connection(home) as database:
        database.execute(text("SELECT count(*) FROM enquiry WHERE reference = 'case'"))
    assert blind.walks(home, LARGE) != []  # a walk is told


def test_who_asked_about_this_borrower_in_march_is_one_call(home: Settings) -> None:
    march = datetime.fromisoformat("2026-03-01T00:00:00+08:00")
    april = datetime.fromisoformat("2026-04-01T00:00:00+08:00")
    assert find_about(home, about(4), Wanted(march, april), ACT).entries == []
