"""Two nights and enquiries after them under SM: every answer is the one that S256 gives, to members and operators."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from huxin.cli.setup import prepare
from huxin.contract import State
from huxin.enquiry.check_words import Account, Check
from huxin.enquiry.checking import Checker
from huxin.enquiry.desk import Desk
from huxin.enquiry.request import Asker, EnquiryRequest
from huxin.enquiry.subject_keys import Person
from huxin.nightly.pipeline import run_night
from huxin.registry import embedded
from huxin.registry.members import add_members, list_members
from huxin.registry.session import connection
from huxin.registry.swap import fresh_database
from huxin.settings import Settings
from huxin_privacy.suites import SUITES
from support.rows import AS_OF, loan, mobile, name, overdue, resident_id, uscc, write_submission

MEMBERS = ("M0001", "M0002")
BEFORE = date(2026, 5, 30)
OWN = ("enquiry_id", "handle", "promise", "act")  # of one answer and no other, whatever the suite
FIRM = {"id_type": "uscc", "id_no": uscc(7), "borrower_kind": "company", "product": "business"}
FIRM |= {"name": "示例七号公司", "purpose": "working_capital", "mobile": mobile(500)}
ABROAD = {"id_type": "passport", "id_no": "e12345678", "id_country": "SGP", "name": "Lee Example"}
PEOPLE = [
    Person("resident_id", resident_id(1), name=name(1), mobile=mobile(1)),
    Person(
        "resident_id", f" {resident_id(2)[:6]} {resident_id(2)[6:]}", name=name(2), mobile="+86" + mobile(2)
    ),
    Person("resident_id", resident_id(3).lower(), name="别的名字", mobile=mobile(4)),
    Person("uscc", uscc(7).lower(), name="示例七号公司"),
    Person("passport", "Ｅ12345678", "sgp", "LEE  example"),
    Person("resident_id", resident_id(900), name=name(900), mobile=mobile(1)),
]


@dataclass
class Told:
    """What members and an operator were told, and what the registry kept of it."""

    enquiries: list[dict[str, Any]]
    checks: list[dict[str, Any]]
    suites: set[str]
    counts: list[int]


@pytest.fixture
def homes(settings: Settings, server: embedded.Server) -> Iterator[Callable[[str], Settings]]:
    """An empty home and database of each suite."""
    made: list[str] = []

    def home(suite: str) -> Settings:
        made.append(f"suite_{suite.lower()}")
        fresh_database(server, made[-1])
        return replace(settings, home=settings.home / suite, database_url=server.url(made[-1]))

    yield home
    with psycopg.connect(server.uri("postgres"), autocommit=True) as database:
        for each in made:
            database.execute(f"DROP DATABASE {each} WITH (FORCE)")


def told(settings: Settings, suite: str, folder: Path) -> Told:
    prepare(settings, suite)
    with connection(settings) as database:
        add_members(database, [(code, f"{code} 小贷") for code in MEMBERS], settings.now())
        members = {each.code: each.id for each in list_members(database)}
    for day in (BEFORE, AS_OF):
        report = run_night(settings, sent(folder / suite / day.isoformat(), day))
        assert [each.state for each in report.submissions] == [State.PUBLISHED] * 2
        assert [each.rejected for each in report.submissions] == [0, 0], [
            each.codes for each in report.submissions
        ]
    enquired = list(enquire(settings, Asker(members["M0002"], "M0002")))
    checker = Checker(settings, "M0001", Account("tester", "routine"))
    checked = [json.loads(line) for line in checker.ask([Check(person) for person in PEOPLE])]
    with connection(settings) as database:
        suites = set(
            database.execute(text("SELECT suite FROM token_scheme JOIN alias ON scheme = id")).scalars()
        )
        tables = ("alias", "loan", "loan_history", "mobile_alias", "mobile_subject")
        counts = [database.execute(text(f"SELECT count(*) FROM {each}")).scalar_one() for each in tables]
    return Told(shared(enquired), shared(checked), suites, counts)


def sent(inbox: Path, day: date) -> Path:
    """Two members' files: persons of both, a firm, a passport, a mobile of two persons; the second day changes some."""
    for member in MEMBERS:
        rows = [loan(member, number) for number in range(1, 41)]
        rows[4]["mobile"] = mobile(4)
        if day == AS_OF:
            rows[1]["balance"] = "14000.00"
            rows[2] = overdue(rows[2], 40)
            rows[5]["mobile"] = mobile(600)
        if member == "M0001":
            rows += [loan(member, 41, **FIRM), loan(member, 42, **ABROAD)]
        write_submission(inbox, member, rows, day)
    return inbox


def enquire(settings: Settings, asker: Asker) -> Iterator[dict[str, Any]]:
    """Each person twice: the second answer knows of the first."""
    desk = Desk(settings)
    try:
        for place, person in enumerate([*PEOPLE, *PEOPLE]):
            request = EnquiryRequest(person, "application", "SQ1", date(2027, 1, 1), "S-1", "case", 2_000_000)
            yield json.loads(
                desk.enquire(asker, replace(request, product="consumer"), f"key-{place}").content
            )
    finally:
        desk.close()


def shared(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in each.items() if key not in OWN} for each in answers]


def test_answers_are_equal_under_either_suite(homes: Callable[[str], Settings], tmp_path: Path) -> None:
    one, other = (told(homes(suite), suite, tmp_path) for suite in SUITES)
    assert (one.suites, other.suites) == ({"S256"}, {"SM"})
    assert one.enquiries == other.enquiries
    assert one.checks == other.checks
    assert one.counts == other.counts
    assert [each["lenders"] for each in one.checks] == [2, 2, 2, 1, 1, 0], "the answers have something to say"
