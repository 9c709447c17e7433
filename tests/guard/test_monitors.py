"""Each monitor by itself: what counts, what was settled, and that no run is half done or walks through the loans."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from guard_world import TODAY, Ask, Town, days_before, moment

from huxin.errors import HuxinError
from huxin.oversight import alarms as acts
from huxin.oversight.guard import run_guard
from huxin.registry import guard
from huxin.registry.connect import libpq_uri
from huxin.registry.session import connection

NINE = moment(TODAY, 9)


def close(town: Town, member: int, note: str = "settled") -> None:
    for alarm in town.alarms(member):
        acts.settle(replace(town.settings, fixed_now=moment(TODAY, 23)), alarm.id, "closed", note)


def nag(town: Town, member: int, subject: UUID, count: int, day: int = 0, hour: int = 9, **more: str) -> None:
    at = moment(TODAY - timedelta(days=day), hour)
    town.ask(Ask(member, subject, at + timedelta(minutes=n), **more) for n in range(count))  # type: ignore[arg-type]


def test_the_outbox_is_summed_by_member_day_and_purpose_each_enquiry_once(town: Town) -> None:
    late = moment(TODAY, 0) - timedelta(minutes=1)
    asks = [Ask(1, uuid4(), NINE, known=n < 3) for n in range(10)]
    asks += [Ask(1, uuid4(), late), Ask(2, uuid4(), NINE, known=True, purpose="guarantee")]
    town.ask(asks)
    town.ask([Ask(1, uuid4(), NINE, known=True)])
    town.ask([])
    assert town.run(
        "SELECT member_id, day::text, purpose, asked, known FROM enquiry_tally ORDER BY 1, 2, 3"
    ) == [
        (1, "2026-05-30", "application", 1, 0),
        (1, "2026-05-31", "application", 11, 4),
        (2, "2026-05-31", "guarantee", 1, 1),
    ]


def test_ten_times_without_a_loan_are_an_alarm_and_nine_are_none(town: Town) -> None:
    one, other = uuid4(), uuid4()
    nag(town, 1, one, 10)
    nag(town, 2, other, 9)
    town.guard()
    assert [(alarm.member, alarm.about) for alarm in town.alarms()] == [("M1", str(one))]


def test_over_thirty_days_and_not_longer(town: Town) -> None:
    one, other = uuid4(), uuid4()
    for day in range(0, 30, 3):
        nag(town, 1, one, 1, day)
        nag(town, 2, other, 1, day + 10)
    town.guard()
    (alarm,) = town.alarms()
    assert (alarm.member, alarm.figures["enquiries"]) == ("M1", 10)
    assert (alarm.window_from, alarm.window_until) == (TODAY - timedelta(days=27), TODAY)


def test_another_members_enquiries_and_the_operators_checks_do_not_count(town: Town) -> None:
    one = uuid4()
    nag(town, 1, one, 6)
    nag(town, 2, one, 6)
    nag(town, 1, one, 6, purpose="operator_check")
    town.guard()
    assert town.alarms() == []


def test_who_lends_may_ask_as_often_as_needed(town: Town) -> None:
    one, other = uuid4(), uuid4()
    town.lend(1, [one], TODAY - timedelta(days=100))
    town.lend(2, [other], TODAY - timedelta(days=100))
    nag(town, 1, one, 30)
    nag(town, 1, other, 30)
    town.guard(hour=10)
    (alarm,) = town.alarms()
    assert alarm.about == str(other)
    town.run("UPDATE loan SET void_by = gen_random_uuid() WHERE member_id = 1")  # it was about somebody else
    nag(town, 1, one, 1, hour=11)
    town.guard()
    assert len(town.alarms()) == 2


def test_what_was_settled_is_not_counted_again(town: Town) -> None:
    one = uuid4()
    nag(town, 1, one, 20)
    town.guard(hour=10)
    close(town, 1)
    town.guard()
    assert town.alarms() == []
    later = moment(TODAY, 23) + timedelta(minutes=1)
    town.ask(Ask(1, one, later + timedelta(seconds=n)) for n in range(9))
    tomorrow = TODAY + timedelta(days=1)
    town.guard(tomorrow, 7)
    assert town.alarms() == []
    town.ask([Ask(1, one, moment(tomorrow, 8))])
    assert town.guard(tomorrow).fresh == 1
    assert town.alarms()[0].figures["enquiries"] == 10


def test_an_alarm_that_goes_on_is_kept_up_to_date_and_stays_acknowledged(town: Town) -> None:
    one = uuid4()
    nag(town, 1, one, 10)
    town.guard(hour=10)
    acts.settle(town.settings, town.alarms()[0].id, "acknowledged", None)
    town.ask(Ask(1, one, moment(TODAY, 12)) for _ in range(5))
    assert town.guard(hour=13).fresh == 0
    (alarm,) = town.alarms()
    assert (alarm.state, alarm.figures["enquiries"]) == ("acknowledged", 15)
    assert alarm.first_seen == moment(TODAY, 10)
    assert alarm.last_seen == moment(TODAY, 13)


def test_a_share_that_was_settled_is_news_on_the_next_day_alone(town: Town) -> None:
    for day in days_before(4):
        for member in (1, 2, 3):
            town.ask(Ask(member, uuid4(), moment(day, 9), known=n % 2 == 0) for n in range(210))
    tomorrow = TODAY + timedelta(days=1)
    town.ask(Ask(4, uuid4(), NINE) for _ in range(300))
    town.guard()
    assert town.kinds(4) == ["hit_rate"]
    close(town, 4)
    assert town.guard().fresh == 0
    # As it was explained, and then quite otherwise.
    town.ask(Ask(4, uuid4(), moment(tomorrow, 9)) for _ in range(300))
    assert town.guard(tomorrow).fresh == 0
    town.ask(Ask(4, uuid4(), moment(tomorrow, 10), known=True) for _ in range(600))
    assert town.guard(tomorrow).fresh == 1
    (alarm,) = town.alarms(4)
    assert alarm.figures["against"] == ["own"]


def test_a_day_that_ended_after_the_last_look_is_looked_at(town: Town) -> None:
    """Also where the monitors did not run for days; the newest day of a member's stands on its alarm."""
    for day in days_before(3, TODAY - timedelta(days=4)):
        for member in (1, 2, 3):
            town.ask(Ask(member, uuid4(), moment(day, 9), known=n % 2 == 0) for n in range(210))
    town.guard(TODAY - timedelta(days=4), 23)
    late = moment(TODAY - timedelta(days=4), 23) + timedelta(minutes=30)
    town.ask(Ask(4, uuid4(), late) for _ in range(300))
    town.ask(Ask(5, uuid4(), moment(TODAY - timedelta(days=2), 9)) for _ in range(300))
    assert town.guard(TODAY, 1).fresh == 2
    assert [(alarm.member, (TODAY - alarm.window_until).days) for alarm in town.alarms()] == [
        ("M4", 4),
        ("M5", 2),
    ]


def test_what_became_of_a_day_is_reckoned_when_its_nights_are_over(town: Town) -> None:
    day = TODAY - timedelta(days=14)
    subjects = [uuid4() for _ in range(10)]
    town.ask(Ask(1, subject, moment(day, hour)) for subject in subjects for hour in (9, 10))
    town.ask(Ask(1, subject, moment(day, 11), purpose="guarantee") for subject in subjects[:4])
    town.lend(1, subjects[:3], day + timedelta(days=5))
    town.lend(
        1, subjects[3:5], day - timedelta(days=40), "OLD"
    )  # lent to before: nothing came of the application
    town.lend(2, subjects[5:], day + timedelta(days=5))
    town.guard(TODAY - timedelta(days=1))
    assert town.run("SELECT * FROM enquiry_yield") == []
    town.guard()
    found = town.run("SELECT purpose, subjects, borrowers FROM enquiry_yield WHERE day = %s ORDER BY 1", day)
    assert found == [("application", 10, 3), ("guarantee", 4, 4)]
    town.lend(1, subjects[8:], day + timedelta(days=20))
    town.guard()
    assert found == town.run(
        "SELECT purpose, subjects, borrowers FROM enquiry_yield WHERE day = %s ORDER BY 1", day
    )


def used_up(town: Town, member: int, asked: int, refused: int, day: str = "2026-05-31") -> None:
    town.run("INSERT INTO quota VALUES (%s, 'application', 1, 1, %s, %s)", member, day, asked)
    if refused:
        town.run("INSERT INTO quota_refused VALUES (%s, 'application', %s, 1000, %s)", member, day, refused)


def test_a_quota_that_was_used_up_is_an_alarm_until_it_is_settled(town: Town) -> None:
    used_up(town, 1, 1003, 3)
    used_up(town, 2, 900_000, 0)  # under a higher tier than now, or asked again and answered again
    used_up(town, 3, 1003, 3, "2026-05-30")
    town.run("UPDATE member SET tier = 'query_only' WHERE id = 2")
    town.guard()
    (alarm,) = town.alarms()
    assert (alarm.member, alarm.kind, alarm.about) == ("M1", "quota", "application")
    assert alarm.figures == {"quota": 1000, "asked": 1003, "refused": 3}
    close(town, 1)
    assert town.guard().fresh == 0


def test_the_quota_of_elements_is_no_matter_of_the_guards(town: Town) -> None:
    """Blind mode counts elements beside enquiries, under a purpose that no policy has."""
    town.run("INSERT INTO quota VALUES (1, 'blind', 1, 1, '2026-05-31', 60)")
    assert town.guard().found == []


def converted(town: Town, member: int, ended: int, subject: UUID | None = None, state: int = 2) -> None:
    """A reservation under number L, granted and converted days ago, whose time ended so many days ago (at nine)."""
    granted, until = NINE - timedelta(days=ended + 8), NINE - timedelta(days=ended)
    town.run(
        "INSERT INTO reservation VALUES (%s, %s, %s, %s, %s, 1, 100, %s, %s, %s, %s, NULL)",
        *(subject or uuid4(), uuid4(), member, uuid4(), state, granted, until, granted),
        f"L-{(subject or uuid4()).hex[:12]}",
    )


def test_loans_that_were_said_and_never_reported_are_an_alarm(town: Town) -> None:
    """Three of one member within thirty days: not two, not those that wait or ended, not those whose loans came."""
    lent = uuid4()
    for ended in (0, 3, 29):
        converted(town, 1, ended)
    for ended in (1, 2, 31, -1):
        converted(town, 2, ended)
    converted(town, 2, 1, state=4)
    converted(town, 2, 1, lent)
    town.lend(2, [lent], TODAY)
    town.guard()
    (alarm,) = town.alarms()
    assert (alarm.member, alarm.kind, alarm.figures) == ("M1", "unreported", {"reservations": 3})
    assert (alarm.window_from, alarm.window_until) == (TODAY - timedelta(days=29), TODAY)
    assert town.guard().fresh == 0


def given_back(town: Town, member: int, days: float) -> None:
    """A reservation that was converted two days ago, and given back `days` after that."""
    subject, id_, granted = uuid4(), uuid4(), NINE - timedelta(days=3)
    then = NINE - timedelta(days=2)
    back, until = then + timedelta(days=days), NINE + timedelta(days=5)
    town.run(
        "INSERT INTO reservation VALUES (%s, %s, %s, %s, 1, 1, 100, %s, %s, %s, NULL, NULL)",
        *(subject, id_, member, uuid4(), granted, until, granted),
    )
    for state, number, at in ((2, "L-1", then), (3, None, back)):
        town.run(
            "UPDATE reservation SET state = %s, loan_no = %s, changed_at = %s WHERE id = %s",
            state,
            number,
            at,
            id_,
        )


def test_giving_back_at_the_last_moment_does_not_keep_the_alarm_away(town: Town) -> None:
    """A slip that is put right within a day is none."""
    for days in (1.5, 1.9):
        given_back(town, 1, days)
    converted(town, 1, 1)
    for days in (0.1, 0.9, 1.5, 1.9):
        given_back(town, 2, days)
    town.guard()
    (alarm,) = town.alarms()
    assert (alarm.member, alarm.kind, alarm.figures) == ("M1", "unreported", {"reservations": 3})


def test_those_that_were_settled_are_not_counted_again(town: Town) -> None:
    for _ in range(3):
        converted(town, 1, 1)
    assert town.guard().fresh == 1
    close(town, 1)
    for _ in range(2):
        converted(town, 1, -1)
    assert town.guard(TODAY + timedelta(days=2)).fresh == 0
    converted(town, 1, -1)
    assert town.guard(TODAY + timedelta(days=2)).fresh == 1


def test_a_loan_to_nobody_is_an_alarm(town: Town) -> None:
    """Whoever makes up loans passes for a lender, who may ask as often as it likes."""
    nobody = [uuid4() for _ in range(3)]
    for subject in nobody:
        town.run("INSERT INTO honeytoken VALUES (%s, now())", subject)
    town.lend(1, nobody[:2], TODAY)
    town.guard()
    (alarm,) = town.alarms()
    assert (alarm.kind, alarm.figures) == ("honeytoken_loan", {"subjects": 2})
    close(town, 1)
    assert town.guard().fresh == 0
    town.lend(1, nobody[2:], TODAY, "M")
    assert town.guard().fresh == 1


def test_an_earlier_moment_sees_what_there_was_then(town: Town) -> None:
    one = uuid4()
    nag(town, 1, one, 12, day=3)
    nag(town, 2, uuid4(), 12)
    town.guard(TODAY - timedelta(days=3), 8)
    assert town.alarms() == []
    town.guard(TODAY - timedelta(days=2))
    assert [alarm.member for alarm in town.alarms()] == ["M1"]
    town.guard()
    assert [alarm.member for alarm in town.alarms()] == ["M1", "M2"]
    town.guard(TODAY - timedelta(days=2))
    with connection(town.settings) as database:
        assert guard.done_until(database, "repeated") == moment(TODAY, 23)


def test_one_run_at_a_time(town: Town) -> None:
    with psycopg.connect(libpq_uri(town.settings)) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (guard._TURN,))
        with pytest.raises(HuxinError, match="H1902"):
            town.guard()
    assert town.guard().found == []


def test_a_run_that_fails_leaves_nothing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    nag(town, 1, uuid4(), 20)
    monkeypatch.setattr(guard, "mark_done", lambda *_: (_ for _ in ()).throw(ConnectionError))
    with pytest.raises(ConnectionError):
        town.guard()
    assert town.run("SELECT count(*) FROM alarm") == [(0,)]
    monkeypatch.undo()
    assert town.guard().fresh == 1


@pytest.mark.parametrize("query", ["_YIELD", "_REPEATED", "_REPORTED", "_UNREPORTED"])
def test_no_monitor_walks_through_loans_or_enquiries(town: Town, query: str) -> None:
    """Even where the tables are small and a walk would be cheaper."""
    people = [uuid4() for _ in range(300)]
    town.ask(Ask(1 + n % 9, people[n], NINE - timedelta(days=n % 20)) for n in range(300))
    town.lend(1, people, TODAY)
    town.run("INSERT INTO honeytoken SELECT subject_id, now() FROM loan LIMIT 20")
    town.run("ANALYZE")
    values = {
        "day": TODAY,
        "since": moment(TODAY, 0),
        "until": moment(TODAY, 23),
        "begin": moment(days_before(30)[0], 0),
        "least": 1,
    }
    with connection(town.settings) as database:
        guard.take_turn(database)
        text = getattr(guard, query).text
        wanted = {name: value for name, value in values.items() if f":{name}" in text}
        plan = "\n".join(row[0] for row in database.execute(guard.text(f"EXPLAIN {text}"), wanted))
    assert "Index" in plan
    for table in ("loan", "enquiry", "alias", "reservation"):
        assert f"Seq Scan on {table}" not in plan, plan


def test_no_policy_no_run(town: Town) -> None:
    with pytest.raises(HuxinError, match="H1901"):
        run_guard(replace(town.settings, fixed_now=moment(TODAY.replace(year=2019), 9)))
