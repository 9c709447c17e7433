"""What operators do about alarms: listed, shown, acknowledged, closed; each act a leaf, and nobody named in it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from guard_world import TODAY, Ask, Town, moment
from typer.testing import CliRunner, Result

from huxin.cli import app
from huxin.cli.alarms import _FIGURES, _KINDS
from huxin.errors import HuxinError
from huxin.oversight.guard import KINDS
from huxin.registry.sequencing import drain
from support.rows import name, resident_id


@pytest.fixture
def rung(town: Town) -> Town:
    """Two alarms of M1 and one of M2."""
    for member, subjects in ((1, 2), (2, 1)):
        for subject in (uuid4() for _ in range(subjects)):
            town.ask(Ask(member, subject, moment(TODAY, 9) + timedelta(minutes=n)) for n in range(12))
    town.guard(hour=10)
    return town


def huxin(town: Town, *words: str, language: str = "en") -> Result:
    environment = {
        "HUXIN_HOME": str(town.settings.home),
        "HUXIN_DATABASE_URL": str(town.settings.database_url),
        "HUXIN_NOW": moment(TODAY, 11).isoformat(),
        "HUXIN_LANG": language,
    }
    return CliRunner().invoke(app, list(words), env=environment)


def listed(town: Town, *words: str) -> list[dict[str, Any]]:
    done = huxin(town, "alarms", "list", "--json", *words)
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def code_of(done: Result) -> str | None:
    return done.exception.code if isinstance(done.exception, HuxinError) else None


def test_alarms_are_listed_by_state_member_and_kind(rung: Town) -> None:
    assert sorted(each["member"] for each in listed(rung)) == ["M1", "M1", "M2"]
    assert len(listed(rung, "--member", "M1")) == 2
    assert len(listed(rung, "--kind", "repeated", "--limit", "1")) == 1
    assert listed(rung, "--kind", "hit_rate") == []
    assert listed(rung, "--state", "closed") == []
    assert huxin(rung, "alarms", "list", "--kind", "noise").exit_code == 2
    assert code_of(huxin(rung, "alarms", "list", "--member", "M99")) == "H0701"


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh", ("反复查询同一主体", "待处理", "查询人员数")), ("en", ("one subject again", "open", "staff"))],
)
def test_a_list_and_an_alarm_are_told_in_both_languages(
    rung: Town, language: str, words: tuple[str, ...]
) -> None:
    number = listed(rung)[0]["alarm"]
    said = huxin(rung, "alarms", "list", language=language).stdout
    said += huxin(rung, "alarms", "show", number, language=language).stdout
    assert [word for word in words if word not in said] == []


def test_no_subject_is_told(rung: Town) -> None:
    subjects = [row[0] for row in rung.run("SELECT about FROM alarm")]
    said = huxin(rung, "alarms", "list").output + json.dumps(listed(rung))
    for each in listed(rung):
        said += huxin(rung, "alarms", "show", each["alarm"]).output
    assert not any(subject in said for subject in subjects)
    shown = json.loads(huxin(rung, "alarms", "show", listed(rung)[0]["alarm"], "--json").stdout)
    assert shown["figures"]["enquiries"] == 12
    assert shown["purpose"] is None


def test_acknowledged_then_closed_with_what_was_found_out(rung: Town) -> None:
    number = listed(rung, "--member", "M2")[0]["alarm"]
    assert huxin(rung, "alarms", "ack", number).exit_code == 0
    assert huxin(rung, "alarms", "close", number, "--note", "their test system; switched off").exit_code == 0
    (closed,) = listed(rung, "--state", "closed")
    assert (closed["alarm"], closed["note"]) == (number, "their test system; switched off")
    assert closed["changed_by"]
    assert closed["changed_at"] == "2026-05-31T03:00:00.000Z"
    assert len(listed(rung)) == 2
    drain(rung.settings)
    records = rung.run(
        "SELECT topic, record::jsonb FROM audit_leaf WHERE topic LIKE 'alarm%%' ORDER BY number"
    )
    assert [topic for topic, _ in records] == ["alarm.acknowledged", "alarm.closed"]
    for _, record in records:
        assert (record["alarm"], record["kind"], record["code"]) == (number, "repeated", "M2")
        assert record["by"]
        assert "test system" not in json.dumps(record)


def test_what_cannot_be_done_has_its_code(rung: Town) -> None:
    number = listed(rung)[0]["alarm"]
    close = ("alarms", "close", number, "--note")
    assert huxin(rung, "alarms", "close", number).exit_code == 2  # without what was found out
    assert code_of(huxin(rung, *close, f"asked about {resident_id(1)}")) == "H1207"
    assert code_of(huxin(rung, *close, "x" * 501)) == "H1906"
    assert code_of(huxin(rung, "alarms", "show", "7")) == "H1903"
    assert code_of(huxin(rung, "alarms", "ack", str(uuid4()))) == "H1903"
    assert huxin(rung, "alarms", "ack", number, "--note", f"谁：{name(1)}").exit_code == 0
    assert code_of(huxin(rung, "alarms", "ack", number)) == "H1904"
    assert huxin(rung, *close, "ok").exit_code == 0
    assert code_of(huxin(rung, *close, "again")) == "H1904"
    drain(rung.settings)
    assert rung.run("SELECT count(*) FROM audit_leaf WHERE topic LIKE 'alarm%%'") == [(2,)]


def test_the_guard_is_run_and_tells_what_it_found(rung: Town) -> None:
    rung.ask(Ask(3, uuid4(), moment(TODAY, 10) + timedelta(minutes=n)) for n in range(5))
    one = uuid4()
    rung.ask(Ask(3, one, moment(TODAY, 10) + timedelta(minutes=n)) for n in range(30))
    told = json.loads(huxin(rung, "guard", "run", "--json").stdout)
    assert told == {"policy": "2020.1", "found": 1, "new": 1, "kinds": {"repeated": 1}}
    assert "0 new" in huxin(rung, "guard", "run").output
    assert huxin(rung, "guard", "run", "--as-of", "2026-05-30").exit_code == 0
    assert code_of(huxin(rung, "guard", "run", "--as-of", "2027-01-01")) == "H1218"
    assert code_of(huxin(rung, "guard", "run", "--as-of", "yesterday")) == "H1219"


def test_honeytokens_are_made_counted_and_dropped(town: Town) -> None:
    made = huxin(
        town, "honeytokens", "new", "--count", "7", "--born-from", "1980-01-01", "--born-until", "1990-12-31"
    )
    assert made.exit_code == 0, made.output
    assert "7" in made.output
    assert json.loads(huxin(town, "honeytokens", "count", "--json").stdout)["count"] == 7
    assert code_of(huxin(town, "honeytokens", "new", "--count", "1", "--region", "12")) == "H1905"
    assert huxin(town, "honeytokens", "new", "--count", "0").exit_code == 2
    assert "7" in huxin(town, "honeytokens", "drop").output
    assert huxin(town, "honeytokens", "count").stdout == ""
    drain(town.settings)
    assert town.run("SELECT topic FROM audit_leaf ORDER BY number") == [
        ("honeytokens.made",),
        ("honeytokens.dropped",),
    ]


def test_a_member_is_limited_and_the_limit_lifted(town: Town) -> None:
    limit = ("guard", "limit", "M1", "--purpose", "application")
    assert huxin(town, *limit, "--per-day", "10", "--until", "2026-06-30").exit_code == 0
    (told,) = map(json.loads, huxin(town, "guard", "limits", "--json").stdout.splitlines())
    assert (told["member"], told["per_minute"], told["per_day"], told["until"]) == (
        "M1",
        None,
        10,
        "2026-06-30",
    )
    assert code_of(huxin(town, *limit)) == "H1907"
    assert code_of(huxin(town, "guard", "limit", "M1", "--purpose", "fun", "--per-day", "1")) == "H1907"
    assert (
        code_of(huxin(town, "guard", "limit", "M99", "--purpose", "application", "--per-day", "1")) == "H0701"
    )
    assert "lifted" in huxin(town, "guard", "unlimit", "M1", "--purpose", "application").output
    assert "was not" in huxin(town, "guard", "unlimit", "M1", "--purpose", "application").output
    drain(town.settings)
    topics = town.run("SELECT topic, record::jsonb ->> 'per_day' FROM audit_leaf ORDER BY number")
    assert topics == [("member.limited", "10"), ("member.unlimited", None)]


def test_every_kind_and_every_figure_has_its_words(rung: Town) -> None:
    assert set(_KINDS) == set(KINDS)
    for alarm in rung.alarms():
        assert set(alarm.figures) <= set(_FIGURES)
