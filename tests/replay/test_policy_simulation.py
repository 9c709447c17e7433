"""What a simulation tells is what the members would have been told, by any policy, and nothing is written for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from model import Row
from night_world import day, ready
from replay_world import Past, Remembered, who
from sqlalchemy import text
from test_night_cli import Shell

from huxin.decision import Coverage, Facts, Policy
from huxin.decision.policy_effect import judged
from huxin.decision.policy_text import read_policy
from huxin.errors import HuxinError
from huxin.oversight.policy_simulation import Period, last_month, simulate
from huxin.paths import schema_root
from huxin.registry import replay
from huxin.registry.members import change_member
from huxin.registry.policy_past import reading
from huxin.registry.replay import When, Whom
from huxin.registry.session import connection
from huxin.settings import SHANGHAI, Settings

CODES = ("M0001", "M0002", "M0003", "M0004")
PERIOD = Period(date(2026, 5, 1), date(2026, 6, 30))


def entry(**parts: dict[str, Any]) -> str:
    """The shipped policy, with some keys of some parts changed."""
    shipped = yaml.safe_load((schema_root() / "policy" / "enquiry.yaml").read_text(encoding="utf-8"))[-1]
    changed = {name: shipped[name] | part for name, part in parts.items()}
    return yaml.safe_dump(shipped | changed | {"version": "new"}, allow_unicode=True)


def policy(**parts: dict[str, Any]) -> Policy:
    return read_policy(entry(**parts), "new").policy


@pytest.fixture
def past(settings: Settings, tmp_path: Path) -> Iterator[Past]:
    """Days of questions by four members, one of them a guarantor, about borrowers good and bad."""
    made = Past.begun(ready(settings, list(CODES)), tmp_path / "sent", CODES)
    with connection(settings) as database:
        change_member(database, "M0004", tier="full", kind="guarantor", now=settings.now())
    made.world.full(CODES[0], day(1), Row("A", 1), Row("B", 2, status="overdue", since=day(0)))
    made.tick()
    made.world.full(CODES[1], day(1), Row("C", 1), Row("D", 3))
    made.ask(CODES[2], 1)
    made.ask(CODES[3], 2)
    for days, code in ((2, CODES[0]), (2, CODES[1]), (3, CODES[2]), (2, CODES[3])):
        later = replace(made.settings, fixed_now=made.settings.now() + timedelta(days=days))
        made.world.settings = made.desk.settings = later
        for person in (1, 2, 3, 5):
            made.ask(code, person, "guarantee" if code == "M0004" else "application")
    yield made
    made.desk.close()


def then(past: Past, asked: Remembered, new: Policy) -> tuple[Facts, Coverage]:
    """What the registry's two-time history says the enquiry would have seen by this policy."""
    keys = past.desk.keys.of(who(asked.person))
    when = When(asked.at, asked.at, asked.at.astimezone(SHANGHAI).date())
    with connection(past.settings) as database:
        subject = replay.subjects_of(database, [keys.keys])[0]
        mobile = replay.mobiles_of(database, [keys.mobile_keys])[0]
        whom = [Whom(subject, keys.name_marks, True, mobile)]
        (facts,) = replay.facts_at(database, asked.asker.member_id, whom, when, new.stacking_days)
        reach = replay.coverage_at(database, when.today - timedelta(days=new.coverage_days), when)
    return Facts.from_json(facts), Coverage(reach.members, reach.reported, reach.oldest_as_of)


def size(settings: Settings) -> int:
    with connection(settings) as database:
        return int(database.execute(text("SELECT count(*) FROM outbox")).scalar_one())


POLICIES = {
    "the same": policy(),
    "caps": policy(caps={"max_lenders": 1}),
    "levels": policy(levels={"OVERDUE": "ineligible", "LOW_COVERAGE": "refer"}),
    "stacking": policy(windows={"stacking_days": 3}, thresholds={"stacking_members": 1}),
    "longer stacking": policy(windows={"stacking_days": 30}, thresholds={"stacking_members": 2}),
    "coverage": policy(windows={"coverage_days": 1}, levels={"LOW_COVERAGE": "ineligible"}),
    "reciprocity": policy(windows={"reciprocity_days": 1}),
}


def test_every_policy_answers_as_the_history_says_it_would_have(past: Past) -> None:
    before = size(past.settings)
    seen: dict[str, int] = {}
    for name, new in POLICIES.items():
        told = simulate(past.settings, new, PERIOD)
        wanted = {outcome: dict.fromkeys(row, 0) for outcome, row in told["outcomes"].items()}
        changed: list[str] = []
        for asked in past.remembered:
            facts, coverage = then(past, asked, new)
            after = judged(facts, coverage, new, asked.used.asked, asked.used.tier)
            wanted[asked.told["outcome"]][after.outcome] += 1
            if asked.told["outcome"] != after.outcome:
                changed.append(str(asked.id))
        assert told["outcomes"] == wanted, name
        assert told["enquiries"] == len(past.remembered)
        assert told["changed"] == len(changed)
        sampled = {each for change, ids in told["samples"].items() if "→" in change for each in ids}
        assert sampled <= set(changed)
        assert told["left_out"] == {}
        seen[name] = told["changed"]
    assert seen["the same"] == seen["reciprocity"] == 0
    assert all(seen[name] for name in ("caps", "levels", "stacking", "longer stacking", "coverage")), seen
    assert size(past.settings) == before


def test_the_registrys_first_minutes_are_simulated_too(settings: Settings, tmp_path: Path) -> None:
    """The ten minutes for which coverage is looked up began before the registry did."""
    begun = replace(settings, fixed_now=settings.now() + timedelta(minutes=5))
    made = Past.begun(ready(begun, list(CODES[:2])), tmp_path / "sent", CODES[:2])
    made.ask(CODES[0], 1)
    told = simulate(made.settings, POLICIES["coverage"], PERIOD)
    assert told["enquiries"] == 1
    assert told["flags"]["LOW_COVERAGE"]["heavier"] == 1
    made.desk.close()


def test_kinds_days_and_flags(past: Past) -> None:
    told = simulate(past.settings, POLICIES["caps"], PERIOD)
    assert set(told["by_kind"]) == {"guarantor", "microlender"}
    assert sum(each["enquiries"] for each in told["by_kind"].values()) == len(past.remembered)
    assert told["flags"]["MULTI_LENDER"]["gained"] > 0
    first = past.remembered[0].at.astimezone(SHANGHAI).date()
    early = simulate(past.settings, POLICIES["caps"], Period(first, first))
    assert early["enquiries"] == 2
    with pytest.raises(HuxinError, match="H1521"):
        simulate(past.settings, POLICIES["caps"], Period(first, first - timedelta(days=1)))
    assert last_month(date(2026, 3, 1)) == Period(date(2026, 2, 1), date(2026, 2, 28))


def test_what_does_not_open_is_counted_and_the_rest_goes_on(past: Past) -> None:
    with connection(past.settings) as database:
        spoilt = past.remembered[3].id
        database.execute(text("UPDATE enquiry SET facts = '\\x0011' WHERE id = :id"), {"id": spoilt})
    told = simulate(past.settings, POLICIES["caps"], PERIOD)
    assert told["left_out"] == {"H1206": 1}
    assert told["enquiries"] == len(past.remembered) - 1


def test_it_stops_when_told_to(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huxin.oversight.policy_simulation._TOLD_EVERY", 1)
    heard: list[tuple[int, int]] = []

    def tell(done: int, every: int) -> bool:
        heard.append((done, every))
        return done < 3

    with pytest.raises(HuxinError, match="H1522"):
        simulate(past.settings, POLICIES["caps"], PERIOD, tell)
    assert heard == [(number, len(past.remembered)) for number in (1, 2, 3)]


def test_nothing_can_be_written_meanwhile(past: Past) -> None:
    with pytest.raises(Exception, match="ReadOnly"), reading(past.settings) as database:
        database.execute(text("DELETE FROM enquiry"))


def run(shell: Shell, *words: object) -> tuple[int, str, str]:
    ran = shell(*words)
    return ran.code, ran.out, ran.told


def test_by_command(
    past: Past, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HUXIN_HOME", str(past.settings.home))
    monkeypatch.setenv("HUXIN_DATABASE_URL", str(past.settings.database_url))
    monkeypatch.setenv("HUXIN_NOW", "2026-07-01T09:00:00+08:00")
    monkeypatch.setenv("HUXIN_LANG", "zh")
    shell, file = Shell(monkeypatch, capsys), tmp_path / "new.yaml"
    file.write_text(entry(caps={"max_lenders": 1}), encoding="utf-8")
    code, out, _ = run(shell, "policy", "simulate", str(file), "--from", "2026-05-01", "--json")
    told = json.loads(out)
    assert (code, told["from"], told["to"]) == (0, "2026-05-01", "2026-07-01")
    assert told == simulate(past.settings, POLICIES["caps"], PERIOD) | {"to": "2026-07-01"}
    code, out, _ = run(shell, "policy", "simulate", str(file))
    june = [each for each in past.remembered if each.at.astimezone(SHANGHAI).month == 6]
    assert code == 0
    assert f"2026-06-01 至 2026-06-30：查询 {len(june)} 笔" in out
    assert "MULTI_LENDER" in out
    file.write_text(entry(caps={"max_lenders": 0}), encoding="utf-8")
    code, _, said = run(shell, "policy", "simulate", str(file))
    assert (code, said.split()[0]) == (2, "H1503")
    assert "new.yaml:" in said
