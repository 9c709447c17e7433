"""Two ways to one subject, in every order of arrival: reported or asked about by an identifier, and both blind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import permutations
from uuid import UUID

import orjson
import pytest
from night_world import ready
from sqlalchemy import text

from huxin.cli.setup import turn_on_blind
from huxin.contract import State
from huxin.enquiry.ask import Question, ask
from huxin.enquiry.check_words import Account, Check
from huxin.enquiry.checking import Checker
from huxin.enquiry.desk import Desk
from huxin.enquiry.request import Asker, EnquiryRequest
from huxin.enquiry.subject_keys import Person
from huxin.ids import new_id
from huxin.nightly.pipeline import run_night
from huxin.registry.session import connection, forget_engine
from huxin.settings import Settings
from huxin_privacy import blind
from huxin_privacy.enquiry_digest import enquiry_digest
from support.blind import blinder, write_blind
from support.rows import AS_OF, loan, name, resident_id, write_submission

DIRECT_NIGHT, BLIND_NIGHT, DIRECT_ENQUIRY, BLIND_ENQUIRY = EVENTS = range(4)
ORDERS = list(permutations(EVENTS))
WORDS = {
    "purpose": "application",
    "consent_no": "SQ1",
    "consent_until": date(2027, 1, 1),
    "staff": "S1",
    "reference": "R1",
}


@pytest.fixture
def home(settings: Settings) -> Iterator[Settings]:
    ready(settings)
    (settings.home / "inbox").mkdir()
    yield settings
    forget_engine(settings)


def night(home: Settings) -> None:
    report = run_night(home, home.home / "inbox")
    assert not report.failed
    fresh = [item for item in report.submissions if item.state != State.PUBLISHED]
    assert fresh == []


def asked(home: Settings, n: int, blindly: bool) -> EnquiryRequest:
    if not blindly:
        return EnquiryRequest(Person("resident_id", resident_id(n), name=name(n)), **WORDS)
    by = blinder(home)
    (element,) = by.elements([blind.message("resident_id", resident_id(n))])
    digest = enquiry_digest(**WORDS)
    sealed = blind.seal_element(by.pinned.registry, "M0003", digest, by.pinned.oprf.epoch, element)
    return EnquiryRequest(Person("", "", sealed=sealed), **WORDS)


def happen(home: Settings, desk: Desk, step: int, people: dict[int, int]) -> None:
    """The step-th event of each person's order."""
    inbox, day = home.home / "inbox", AS_OF - timedelta(days=5 - step)
    by_event = {event: [n for n, order in people.items() if ORDERS[order][step] == event] for event in EVENTS}
    for n in by_event[DIRECT_ENQUIRY]:
        desk.enquire(Asker(3, "M0003"), asked(home, n, blindly=False), str(new_id()))
    for n in by_event[BLIND_ENQUIRY]:
        desk.enquire(Asker(3, "M0003"), asked(home, n, blindly=True), str(new_id()))
    direct = [loan("M0001", n) for n in by_event[DIRECT_NIGHT]]
    write_submission(inbox, "M0001", direct, day, mode="incremental")
    tokens = [loan("M0002", n) for n in by_event[BLIND_NIGHT]]
    write_blind(home, inbox, "M0002", tokens, day, mode="incremental")
    night(home)


def subjects(home: Settings, query: str) -> list[UUID]:
    with connection(home) as database:
        return list(database.scalars(text(query)))


def of_person(home: Settings, n: int) -> set[UUID]:
    """Whom the person's loans at both members, its enquiries and its aliases are of."""
    numbers = ", ".join(f"'{member}-L{n:06d}'" for member in ("M0001", "M0002"))
    loans = subjects(home, f"SELECT subject_id FROM loan WHERE loan_no IN ({numbers})")
    assert len(loans) == 2
    return set(loans)


def test_whatever_comes_first_there_is_one_subject(home: Settings) -> None:
    assert turn_on_blind(home)
    desk = Desk(home)
    people = {100 + order: order for order in range(len(ORDERS))}
    for step in range(4):
        happen(home, desk, step, people)
    found = {n: of_person(home, n) for n in people}
    assert {n: len(each) for n, each in found.items()} == dict.fromkeys(people, 1)
    everybody = {subject for each in found.values() for subject in each}
    assert len(everybody) == len(people)
    # Both enquiries of each, and both its aliases, lead to that subject; nobody else is there.
    for table, times in (("enquiry", 2), ("alias", 2)):
        counted = subjects(home, f"SELECT count(*) FROM {table} GROUP BY subject_id")
        assert counted == [times] * len(people), table
        assert set(subjects(home, f"SELECT subject_id FROM {table}")) == everybody
    assert subjects(home, "SELECT count(*) FROM subject_merge") == [0]
    desk.close()


def test_who_was_known_before_blind_mode_was_on_becomes_one_with_a_logged_rekeying(home: Settings) -> None:
    inbox = home.home / "inbox"
    days = [AS_OF - timedelta(days=n) for n in (4, 3, 2, 1)]
    people = range(200, 230)
    write_submission(inbox, "M0001", [loan("M0001", n) for n in people], days[0])
    night(home)
    assert turn_on_blind(home)
    write_blind(home, inbox, "M0002", [loan("M0002", n) for n in people], days[1])
    night(home)
    assert {len(of_person(home, n)) for n in people} == {2}
    # Whoever reports by an identifier next sees both keys of each.
    write_submission(inbox, "M0001", [loan("M0001", n) for n in people], days[2], sequence=2)
    night(home)
    assert {len(of_person(home, n)) for n in people} == {1}
    with connection(home) as database:
        told = (
            database.execute(text("SELECT body FROM outbox WHERE topic = 'subject.merged'")).scalars().all()
        )
        left = database.execute(text("SELECT count(*) FROM subject_merge WHERE done_at IS NULL")).scalar_one()
    assert ([(each["merges"], each["loans"]) for each in told], left) == ([(30, 30)], 0)
    # And it stays so, whoever comes again.
    write_blind(home, inbox, "M0002", [loan("M0002", n) for n in people], days[3], sequence=2)
    write_submission(inbox, "M0001", [loan("M0001", n) for n in people], days[3], sequence=3)
    night(home)
    assert {len(of_person(home, n)) for n in people} == {1}
    assert subjects(home, "SELECT count(*) FROM loan") == [60]


def test_a_look_by_an_identifier_finds_who_came_blind_and_claims_nobody(home: Settings) -> None:
    assert turn_on_blind(home)
    write_blind(home, home.home / "inbox", "M0002", [loan("M0002", n) for n in range(400, 405)])
    night(home)
    asked = [Question("resident_id", resident_id(n)) for n in (400, 404, 410)]
    answers = [each.exposure for each in ask(home, "M0003", asked)]
    assert [each is not None and each.known for each in answers] == [True, True, False]
    checks = [Check(Person("resident_id", resident_id(n)), "consumer", None) for n in (400, 410)]
    lines = [orjson.loads(line) for line in Checker(home, "M0003", Account("S1")).ask(checks)]
    assert [line["subject_known"] for line in lines] == [True, False]
    assert subjects(home, "SELECT count(*) FROM alias") == [5]


def test_a_member_that_changes_its_way_keeps_its_loans(home: Settings) -> None:
    inbox = home.home / "inbox"
    assert turn_on_blind(home)
    rows = [loan("M0001", n) for n in range(300, 320)]
    days = [AS_OF - timedelta(days=n) for n in (3, 2, 1)]
    write_submission(inbox, "M0001", rows, days[0])
    night(home)
    write_blind(home, inbox, "M0001", rows, days[1])
    night(home)
    write_submission(inbox, "M0001", rows, days[2])
    night(home)
    standing = "SELECT count(*) FROM loan WHERE ended_by IS NULL AND void_by IS NULL"
    assert subjects(home, standing) == subjects(home, "SELECT count(*) FROM loan") == [20]
    assert subjects(home, "SELECT count(DISTINCT subject_id) FROM loan") == [20]
