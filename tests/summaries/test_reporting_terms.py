"""Holidays, extensions and backfills by the command line: what is granted, what is refused, and the leaves of both."""

from __future__ import annotations

import sys
from datetime import date

import pytest
from sqlalchemy import text

from huxin.cli import main
from huxin.cli.setup import prepare
from huxin.oversight.calendar import DayState
from huxin.oversight.nudges import KINDS, PLACES, load_nudges, nudge
from huxin.oversight.reporting import calendar
from huxin.oversight.reporting_policy import reporting_policy
from huxin.registry.members import add_members
from huxin.registry.reports import reporters
from huxin.registry.sequencing import drain
from huxin.registry.session import connection
from huxin.registry.terms import terms_between
from huxin.settings import Settings

LAST, BEFORE = date(2026, 5, 30), date(2026, 5, 29)


@pytest.fixture
def home(settings: Settings) -> Settings:
    """Two members that joined in spring and never reported, on the evening of 2026-05-31."""
    prepare(settings)
    with connection(settings) as database:
        add_members(database, [("M0001", "津融小贷"), ("M0002", "滨海小贷")], settings.now())
        database.execute(text("UPDATE member SET created_at = '2026-03-01'"))
    return settings


def huxin(patch: pytest.MonkeyPatch, settings: Settings, *words: str) -> int:
    patch.setenv("HUXIN_HOME", str(settings.home))
    patch.setenv("HUXIN_DATABASE_URL", str(settings.database_url))
    patch.setenv("HUXIN_NOW", settings.now().isoformat())
    patch.setattr(sys, "argv", ["huxin", "members", *words])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def states(settings: Settings) -> dict[str, list[str]]:
    """Of the two days before today, the older first."""
    policy = reporting_policy(settings.today())
    with connection(settings) as database:
        made = calendar(database, policy, BEFORE, LAST, settings.now())
    return {row.member.code: [each.state for each in row.days] for row in made.rows}


def test_what_is_granted_shows_in_the_calendar(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = ["missing", "missing"]
    assert states(home) == {"M0001": missing, "M0002": missing}
    assert huxin(monkeypatch, home, "holiday", "M0001", "2026-05-29", "--to", "2026-05-30") == 0
    assert huxin(monkeypatch, home, "extend", "M0002", "2026-05-30", "--until", "2026-06-01 12:00") == 0
    assert huxin(monkeypatch, home, "backfill", "M0002", "2026-05-29", "--until", "2026-06-02 18:00") == 0
    assert states(home) == {"M0001": ["holiday", "holiday"], "M0002": ["backfill", "extended"]}
    assert huxin(monkeypatch, home, "holiday", "M0001", "2026-05-30", "--lift") == 0
    assert states(home)["M0001"] == ["holiday", "missing"]
    assert huxin(monkeypatch, home, "holiday", "ALL", "2026-05-30", "--reason", "festival") == 0
    assert states(home) == {"M0001": ["holiday", "holiday"], "M0002": ["backfill", "holiday"]}


def test_each_grant_and_each_taking_back_is_a_leaf(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    huxin(monkeypatch, home, "holiday", "M0001", "2026-05-30")
    huxin(monkeypatch, home, "holiday", "M0001", "2026-05-30", "--lift")
    huxin(monkeypatch, home, "holiday", "M0001", "2026-05-30", "--lift")  # nothing is left to be taken back
    huxin(monkeypatch, home, "extend", "M0001", "2026-05-30", "--until", "2026-06-01 12:00")
    drain(home)
    with connection(home) as database:
        query = "SELECT topic, record::jsonb ->> 'code' FROM audit_leaf WHERE topic LIKE 'member.%' ORDER BY number"
        found = [tuple(row) for row in database.execute(text(query))]
    assert found == [("member.holiday", "M0001")] * 2 + [("member.extended", "M0001")]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("holiday", "M0009", "2026-05-30"), "M0009"),
        (("holiday", "M0001", "2026-05-30", "--to", "2026-05-29"), "366"),
        (("holiday", "M0001", "2026-05-30", "--to", "2028-05-29"), "366"),
        (("holiday", "M0001", "2026-05-30", "--reason", "lazy"), "festival"),
        (("extend", "M0001", "2026-05-30", "--until", "2026-05-31 05:00"), "366"),  # before it was due anyway
        (("extend", "M0001", "2026-05-30", "--until", "2026-05-31 21:59"), "366"),  # over by now
        (("backfill", "M0001", "2026-05-30", "--until", "2026-05-30 05:00"), "366"),
    ],
)
def test_what_will_not_do_changes_nothing(
    home: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: str,
) -> None:
    assert huxin(monkeypatch, home, *words) != 0
    assert code in capsys.readouterr().err
    with connection(home) as database:
        assert terms_between(database, date(2020, 1, 1), date(2030, 1, 1)) == []


def test_every_nudge_says_who_and_which_days(home: Settings) -> None:
    with connection(home) as database:
        member = reporters(database)[0]
    policy, now = reporting_policy(home.today()), home.now()
    assert set(load_nudges()) == set(KINDS)
    for kind in KINDS:
        refused = kind == "refused"
        state = DayState("missing" if refused else kind, now, refused)
        made = nudge(member, {LAST: state, BEFORE: state}, until=now)
        for said in (made.zh, made.en):
            assert "M0001" in said and "津融小贷" in said
            assert said.index("2026-05-29") < said.index("2026-05-30")
            assert "{" not in said
        assert not any(f"{{{place}}}" in made.en for place in PLACES)
    assert policy.version == "2020.1"
