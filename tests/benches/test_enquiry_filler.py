"""The enquiry bench's filled registry: the night's own columns, keys that the API finds, totals that agree."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest
from enquirybench.filler import Book, fill, member_code, part_rows
from enquirybench.home import Filled
from enquirybench.past import add_past
from enquirybench.people import sample
from enquirybench.roster import add_members

from huxin.enquiry.ask import Question, ask
from huxin.registry.connect import libpq_uri
from huxin.registry.migrate import check_drift
from huxin.registry.tables import BUSINESS
from huxin.settings import Settings
from huxin_privacy import keyring

BOOK = Book(2_000, 20, date(2026, 5, 30))


@pytest.fixture
def registry(settings: Settings) -> Filled:
    settings.keys_dir.mkdir(parents=True, mode=0o700)
    for zone in keyring.ZONES:
        keyring.create(settings.keys_dir, zone)
    uri = libpq_uri(settings)
    members = add_members(uri, BOOK)
    fill(settings, BOOK, members)
    add_past(uri, BOOK, members)
    return Filled(settings, BOOK, uri)


def one(registry: Filled, query: str) -> tuple[object, ...]:
    with psycopg.connect(registry.uri) as connection:
        found = connection.execute(query).fetchone()
    assert found is not None
    return found


def test_every_business_column_is_filled_for_some_loan(registry: Filled) -> None:
    counts = ", ".join(f"count({name})" for name in BUSINESS)
    filled = dict(zip(BUSINESS, one(registry, f"SELECT {counts} FROM loan"), strict=True))
    assert {name for name, count in filled.items() if not count} == set()
    assert filled["principal"] == BOOK.loans


def test_loan_and_its_key_say_the_same(registry: Filled) -> None:
    same = """
        SELECT count(*) FROM loan l JOIN loan_key k USING (member_id, loan_no, subject_id)
        WHERE l.digest = k.digest AND l.version = k.version AND l.role = k.role
            AND l.max_dpd IS NOT DISTINCT FROM k.max_dpd
            AND k.open = (l.status IN (1, 2, 3, 4) OR (l.status = 5 AND l.balance > 0))
    """
    assert one(registry, same) == (BOOK.loans,)
    assert one(registry, "SELECT count(DISTINCT subject_id) FROM loan") == (BOOK.subjects,)
    assert one(registry, "SELECT count(*), count(DISTINCT subject_id) FROM alias") == (
        BOOK.subjects,
        BOOK.subjects,
    )


def test_every_mobile_leads_to_its_subjects(registry: Filled) -> None:
    called = one(registry, "SELECT count(DISTINCT subject_id), count(DISTINCT mobile_id) FROM mobile_subject")
    assert called[0] == BOOK.subjects
    assert one(registry, "SELECT count(DISTINCT mobile_id) FROM mobile_alias") == called[1:]
    assert one(registry, "SELECT count(*) FROM loan_key WHERE mobile_mark IS NULL") == (0,)


def test_second_versions_have_their_first_in_history_and_arrears_in_short(registry: Filled) -> None:
    second = one(registry, "SELECT count(*) FROM loan WHERE version = 2")[0]
    assert isinstance(second, int)
    assert BOOK.loans / 6 < second < BOOK.loans / 3
    assert one(registry, "SELECT count(*) FROM loan_history JOIN loan USING (subject_id, member_id, loan_no)"
               " WHERE loan_history.version = 1 AND loan.version = 2") == (second,)  # fmt: skip
    adverse = one(registry, "SELECT count(*) FROM loan_adverse")
    assert adverse == one(
        registry, "SELECT count(*) FROM loan_history WHERE overdue_since IS NOT NULL OR class5 >= 3"
    )
    assert adverse[0] != 0


def test_past_enquiries_stand_in_the_month_of_their_id_and_in_the_directory(registry: Filled) -> None:
    asked = one(registry, "SELECT count(*) FROM enquiry")
    assert asked[0] != 0
    assert one(registry, "SELECT count(*) FROM enquiry_default") == (0,)
    listed = "SELECT count(*) FROM enquiry e JOIN enquiry_key k ON k.enquiry_id = e.id AND k.member_id = e.member_id"
    assert one(registry, listed) == asked
    assert one(
        registry, "SELECT count(*) FROM enquiry WHERE id < id_floor(asked_at) OR asked_at > now()"
    ) == (0,)


def test_schema_is_still_the_declared_one(registry: Filled) -> None:
    assert check_drift(registry.settings) == []


def test_people_asked_about_are_found_but_for_every_tenth(registry: Filled) -> None:
    chosen = sample(registry, 300)
    questions = [Question(one.id_type, one.id_no, one.id_country) for one in chosen.people]
    answers = ask(registry.settings, member_code(1), questions)
    known = [answer.exposure is not None and answer.exposure.known for answer in answers]
    assert known == [place % 10 != 0 for place in range(300)]


def test_the_same_book_is_the_same_and_its_parts_have_other_people() -> None:
    parts = list(BOOK.parts())
    first, again = (part_rows(BOOK, parts[0], 0)[0] for _ in range(2))
    assert first.equals(again)
    other = part_rows(BOOK, parts[0], BOOK.subjects)[0]
    assert set(first["id_canonical"]) & set(other["id_canonical"]) == set()
    assert sum(count for _, count, _ in Book(1_200_000, 2, BOOK.as_of).parts()) == 1_200_000


def test_members_rows_come_member_after_member() -> None:
    rows, members = part_rows(BOOK, next(iter(BOOK.parts())), 0)
    assert members.tolist() == sorted(members.tolist())
    codes = rows["loan_no"].str.slice(0, len(member_code(1))).to_list()
    assert codes == [member_code(place + 1) for place in members.tolist()]
    assert set(codes) == {member_code(number) for number in range(1, BOOK.members + 1)}
