"""A policy is changed by two people before its day, holds from that day on in every process, and nothing half done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from model import Row
from night_world import day, ready
from replay_world import Past
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from test_night_cli import Shell

from huxin.enquiry.looking import look_at
from huxin.errors import HuxinError
from huxin.oversight import policy_changes
from huxin.paths import schema_root
from huxin.registry.policies import policy_on, tiers_known
from huxin.registry.policy_changes import PolicyChange
from huxin.registry.sequencing import drain
from huxin.registry.session import connection
from huxin.settings import Settings

ME, OTHER = "M0001", "M0002"
TOMORROW = date(2026, 6, 1)


def entry(**changes: Any) -> dict[str, Any]:
    loaded: list[dict[str, Any]] = yaml.safe_load(
        (schema_root() / "policy" / "enquiry.yaml").read_text(encoding="utf-8")
    )
    return loaded[-1] | {"version": "strict"} | changes


def only(*tiers: str) -> dict[str, Any]:
    """The policy's parts that speak of tiers, with these alone."""
    return {part: {tier: entry()[part][tier] for tier in tiers} for part in ("tiers", "quotas")}


def strict(**changes: Any) -> str:
    """One lender is too many."""
    made = entry(**changes)
    made["caps"] = made["caps"] | {"max_lenders": 1}
    return yaml.safe_dump(made, allow_unicode=True)


def proposed(settings: Settings, written: str | None = None, on: date = TOMORROW) -> PolicyChange:
    return policy_changes.propose(settings, strict() if written is None else written, "new.yaml", on, "li")


def on_day(settings: Settings, days: int) -> Settings:
    assert settings.fixed_now is not None
    return replace(settings, fixed_now=settings.fixed_now + timedelta(days=days))


def acts(settings: Settings) -> list[tuple[str, dict[str, Any]]]:
    """The leaves about policies, as the log holds them."""
    drain(settings)
    with connection(settings) as database:
        rows = database.execute(
            text("SELECT topic, record FROM audit_leaf WHERE topic LIKE 'policy.%' ORDER BY number")
        )
        return [(topic, json.loads(record)) for topic, record in rows]


def test_an_approved_policy_holds_from_its_day_on(settings: Settings) -> None:
    made = ready(settings, [ME])
    change = proposed(made)
    assert policy_on(on_day(made, 1), TOMORROW).version == "2020.1"
    done = policy_changes.approve(made, change.id, "wang")
    assert (done.state, done.approved_by) == ("approved", "wang")
    assert policy_on(made, made.today()).version == "2020.1"
    later = on_day(made, 1)
    assert policy_on(later, later.today()).version == "strict"
    assert policy_on(later, made.today()).version == "2020.1"
    told = acts(made)
    assert [topic for topic, _ in told] == ["policy.proposed", "policy.approved"]
    assert all(record["sha256"] == change.sha256 for _, record in told)
    assert [record["staff"] for _, record in told] == ["li", "wang"]


@pytest.mark.parametrize("by", ["li", "LI", " ｌｉ "])
def test_nobody_approves_their_own(settings: Settings, by: str) -> None:
    change = proposed(ready(settings, [ME]))
    with pytest.raises(HuxinError, match="H1517"):
        policy_changes.approve(settings, change.id, by)
    assert policy_changes.look(settings, change.id) == change
    assert [topic for topic, _ in acts(settings)] == ["policy.proposed"]


def test_the_table_itself_holds_to_two_people(settings: Settings) -> None:
    change = proposed(ready(settings, [ME]))
    with pytest.raises(IntegrityError, match="four_eyes"), connection(settings) as database:
        database.execute(
            text("UPDATE policy_change SET state = 'approved', approved_by = 'LI' WHERE id = :id"),
            {"id": change.id},
        )


@pytest.mark.parametrize(
    ("code", "written", "on"),
    [
        ("H1516", strict(), date(2026, 5, 31)),
        ("H1516", strict(), date(2020, 1, 2)),
        ("H1503", strict(pending_level="never"), TOMORROW),
        ("H1502", strict(more=1), TOMORROW),
        ("H1501", "a: [", TOMORROW),
        ("H1504", strict(version="2020.1"), TOMORROW),
        ("H1520", strict(**only("banded", "query_only")), TOMORROW),
        ("H1207", strict() + "# 11010519491231002X\n", TOMORROW),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    settings: Settings, code: str, written: str, on: date
) -> None:
    made = ready(settings, [ME])
    with pytest.raises(HuxinError, match=code):
        proposed(made, written, on)
    assert policy_changes.look_through(made) == []
    assert acts(made) == []


def test_one_version_and_one_day_each(settings: Settings) -> None:
    made = ready(settings, [ME])
    first = proposed(made)
    with pytest.raises(HuxinError, match="H1504"):
        proposed(made)
    second = proposed(made, strict(version="other"))
    policy_changes.approve(made, first.id, "wang")
    with pytest.raises(HuxinError, match="H1504"):
        policy_changes.approve(made, second.id, "wang")
    assert policy_changes.look(made, second.id).state == "proposed"


def test_two_approvals_at_once_are_one(settings: Settings) -> None:
    made = ready(settings, [ME])
    change = proposed(made)

    def approve(by: str) -> str:
        try:
            return policy_changes.approve(made, change.id, by).state
        except HuxinError as error:
            return error.code

    with ThreadPoolExecutor(4) as beside:
        told = sorted(beside.map(approve, ["a", "b", "c", "d"]))
    assert told == ["H1515", "H1515", "H1515", "approved"]
    assert [topic for topic, _ in acts(made)] == ["policy.proposed", "policy.approved"]


def test_an_approval_may_come_too_late(settings: Settings) -> None:
    change = proposed(ready(settings, [ME]))
    with pytest.raises(HuxinError, match="H1516"):
        policy_changes.approve(on_day(settings, 1), change.id, "wang")
    assert policy_on(on_day(settings, 1), TOMORROW).version == "2020.1"


def test_what_is_not_in_force_can_be_taken_back(settings: Settings) -> None:
    made = ready(settings, [ME])
    change = proposed(made)
    policy_changes.approve(made, change.id, "wang")
    assert policy_changes.withdraw(made, change.id, "zhao").state == "withdrawn"
    assert policy_on(on_day(made, 1), TOMORROW).version == "2020.1"
    again = proposed(made)
    policy_changes.approve(made, again.id, "wang")
    with pytest.raises(HuxinError, match="H1516"):
        policy_changes.withdraw(on_day(made, 1), again.id, "zhao")
    with pytest.raises(HuxinError, match="H1515"):
        policy_changes.withdraw(made, change.id, "zhao")
    with pytest.raises(HuxinError, match="H1514"):
        policy_changes.withdraw(made, uuid4(), "zhao")


def test_a_document_that_was_altered_is_not_taken(settings: Settings) -> None:
    made = ready(settings, [ME])
    policy_changes.approve(made, proposed(made).id, "wang")
    with connection(made) as database:
        database.execute(text("UPDATE policy_change SET document = replace(document, 'refer', 'info')"))
    with pytest.raises(HuxinError, match="H1519"):
        policy_on(on_day(made, 1), TOMORROW)


def test_members_get_no_tier_that_a_coming_policy_lacks(settings: Settings) -> None:
    made = ready(settings, [ME])
    change = proposed(made, strict(**only("full", "query_only")))
    with connection(made) as database:
        assert tiers_known(database, made.today()) == ["full", "banded", "query_only"]
    policy_changes.approve(made, change.id, "wang")
    with connection(made) as database:
        assert tiers_known(database, made.today()) == ["full", "query_only"]


@pytest.fixture
def past(settings: Settings, tmp_path: Path) -> Iterator[Past]:
    made = Past.begun(ready(settings, [ME, OTHER]), tmp_path / "sent")
    made.world.full(ME, day(1), Row("A", 1))
    made.tick()
    made.world.full(OTHER, day(1), Row("C", 1))
    yield made
    made.desk.close()


def test_a_serving_desk_changes_over_at_midnight_and_replays_both(past: Past) -> None:
    before = past.ask(ME, 1)
    change = proposed(past.settings)
    policy_changes.approve(past.settings, change.id, "wang")
    still = past.ask(ME, 1)
    later = on_day(past.settings, 1)
    past.world.settings = past.desk.settings = later
    after = past.ask(ME, 1)
    assert [each.told["policy"] for each in (before, still, after)] == ["2020.1", "2020.1", "strict"]
    assert "MULTI_LENDER" in {flag["code"] for flag in after.told["flags"]}
    for each in (before, still, after):
        assert past.desk.replay(each.asker.member_id, each.id)["equal"] is True
        assert look_at(past.settings, each.id, again=True)["equal"] is True


@pytest.fixture
def shell(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    made = ready(settings, [ME])
    monkeypatch.setenv("HUXIN_HOME", str(made.home))
    monkeypatch.setenv("HUXIN_DATABASE_URL", str(made.database_url))
    monkeypatch.setenv("HUXIN_NOW", made.now().isoformat())
    monkeypatch.setenv("HUXIN_LANG", "zh")
    return Shell(monkeypatch, capsys)


def run(shell: Shell, *words: object) -> tuple[int, str, str]:
    ran = shell(*words)
    return ran.code, ran.out, ran.told


def test_a_change_by_commands(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    file.write_text(strict(), encoding="utf-8")
    code, out, _ = run(shell, "policy", "propose", str(file), "--effective", "2026-06-01", "--by", "li")
    number = out.split()[0]
    assert code == 0
    assert "待批准" in out
    code, _, told = run(shell, "policy", "approve", number, "--by", "li")
    assert (code, told.split()[0]) == (2, "H1517")
    code, out, _ = run(shell, "policy", "diff", "2020.1", number)
    assert code == 3
    assert "机构数上限: 3 → 1  (caps.max_lenders)" in out
    code, out, _ = run(shell, "policy", "diff", "2020.1", "2020.1")
    assert (code, out) == (0, "")
    assert run(shell, "policy", "approve", number, "--by", "wang")[0] == 0
    code, out, _ = run(shell, "policy", "list", "--json")
    listed = [json.loads(row) for row in out.splitlines()]
    assert [each["state"] for each in listed] == ["shipped", "approved"]
    code, out, _ = run(shell, "policy", "show", "strict")
    assert yaml.safe_load(out)["caps"]["max_lenders"] == 1
    assert run(shell, "policy", "withdraw", number, "--by", "li")[0] == 0
    assert "已撤回" in run(shell, "policy", "list")[1]
    code, _, told = run(shell, "policy", "simulate", "nowhere.yaml")
    assert (code, told.split()[0]) == (2, "H1523")
