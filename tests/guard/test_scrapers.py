"""Weeks of honest members over the people of the sample files: no alarm. Then scrapers among them: each is found.

The sample night is real (its subjects are those that the six members of examples/nightly report); enquiries and the
loans of later nights are put on record as the platform writes them, and the outbox goes through the sequencer.
"""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from guard_world import TODAY, Ask, Town, days_before, moment

from huxin.cli.setup import prepare
from huxin.nightly.pipeline import run_night

SAMPLES = Path(__file__).parents[2] / "examples" / "nightly"
HONEST = range(1, 7)
WALKER, HITTER, NAGGER, IDLER, STRANGER = 7, 8, 9, 10, 11
WEEKS = days_before(24)


@pytest.fixture(scope="module")
def people(old_town: Town, tmp_path_factory: pytest.TempPathFactory) -> list[UUID]:
    """The subjects of the sample night, after more than three weeks of honest enquiries about them and others."""
    inbox = tmp_path_factory.mktemp("inbox") / "inbox"
    shutil.copytree(SAMPLES, inbox, ignore=shutil.ignore_patterns("truth.json"))
    old_town.run("UPDATE member SET code = 'M000' || id WHERE id <= 6")
    prepare(old_town.settings)
    run_night(old_town.settings, inbox)
    old_town.run("UPDATE member SET code = 'M' || id WHERE id <= 6")
    found = [row[0] for row in old_town.run("SELECT DISTINCT subject_id FROM loan ORDER BY 1")]
    for member in HONEST:
        old_town.days_of(member, WEEKS, found, 210, hits=0.30 + 0.05 * member, lent=0.10 + 0.02 * member)
    return found


@pytest.fixture(scope="module")
def scraped(old_town: Town, people: list[UUID]) -> Town:
    """The same after an evening on which the others were at work too."""
    at = moment(TODAY, 22) + timedelta(minutes=5)
    old_town.ask(Ask(WALKER, uuid4(), at + timedelta(seconds=n), staff=f"S{n % 7}") for n in range(400))
    old_town.ask(Ask(HITTER, people[n % len(people)], at, known=True) for n in range(400))
    one = uuid4()
    old_town.ask(Ask(NAGGER, one, at + timedelta(minutes=n), staff=f"S{n % 5}") for n in range(50))
    for day in days_before(7, TODAY - timedelta(days=14)):
        old_town.ask(Ask(IDLER, uuid4(), moment(day, 9), known=n % 2 == 0) for n in range(40))
        old_town.ask(
            Ask(STRANGER, people[n], moment(day, 9), known=True, purpose="post_loan") for n in range(40)
        )
    old_town.run("DELETE FROM enquiry_yield")  # those days were reckoned before these two had asked
    old_town.guard()
    return old_town


def test_honest_members_give_no_alarm(old_town: Town, people: list[UUID]) -> None:
    """Over 30,000 enquiries in 24 days; the monitors run each day, and through the last one hour by hour."""
    assert len(people) > 150
    asked = old_town.run("SELECT count(*), count(DISTINCT member_id) FROM enquiry")
    assert asked[0][0] > 30_000
    assert asked[0][1] == len(HONEST)
    false_alarms = 0
    for day in days_before(9, TODAY - timedelta(days=1)):
        false_alarms += len(old_town.guard(day).found)
    for hour in range(9, 23, 2):
        false_alarms += len(old_town.guard(TODAY, hour).found)
    assert false_alarms == 0
    assert old_town.run("SELECT count(*) FROM alarm") == [(0,)]
    reckoned = old_town.run("SELECT count(*), sum(subjects), sum(borrowers) FROM enquiry_yield")[0]
    assert reckoned[0] >= 10 * len(HONEST)
    assert 0.05 < reckoned[2] / reckoned[1] < 0.25


def test_a_walk_through_numbers_is_found(scraped: Town) -> None:
    (alarm,) = scraped.alarms(WALKER)
    assert (alarm.kind, alarm.about, alarm.state) == ("hit_rate", "application", "open")
    assert alarm.figures["enquiries"] == 400
    assert alarm.figures["share"] == 0.0
    assert alarm.figures["usual_sector"] > 40
    assert alarm.figures["against"] == ["sector"]


def test_one_who_only_hits_is_found(scraped: Town) -> None:
    (alarm,) = scraped.alarms(HITTER)
    assert (alarm.kind, alarm.figures["share"]) == ("hit_rate", 100.0)


def test_one_subject_asked_about_fifty_times_is_found_whoever_of_the_staff_asked(scraped: Town) -> None:
    (alarm,) = scraped.alarms(NAGGER)
    assert alarm.kind == "repeated"
    assert (alarm.figures["enquiries"], alarm.figures["staff"]) == (50, 5)
    known = scraped.run(
        "SELECT subject_id::text FROM enquiry WHERE id = %s", UUID(alarm.figures["last_enquiry"])
    )
    assert known == [(alarm.about,)]


def test_one_who_asks_and_never_lends_is_found(scraped: Town) -> None:
    (alarm,) = scraped.alarms(IDLER)
    assert (alarm.kind, alarm.about) == ("conversion", "application")
    assert (alarm.figures["subjects"], alarm.figures["borrowers"]) == (280, 0)
    assert alarm.figures["usual_sector"] > 5


def test_watching_others_borrowers_as_ones_own_is_found(scraped: Town) -> None:
    (alarm,) = scraped.alarms(STRANGER)
    assert (alarm.kind, alarm.about, alarm.figures["share"]) == ("conversion", "post_loan", 0.0)


def test_none_of_the_others_is(scraped: Town) -> None:
    assert {alarm.member for alarm in scraped.alarms()} == {
        f"M{number}" for number in (WALKER, HITTER, NAGGER, IDLER, STRANGER)
    }


def test_running_again_raises_nothing_anew(scraped: Town) -> None:
    before = scraped.alarms()
    assert scraped.guard().fresh == 0
    assert scraped.alarms() == before
