"""A policy as somebody writes it: the newest entry counts, each fault names its line, differences are told in words."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from huxin.decision import Facts, load_policies, policy_on
from huxin.decision.policy_effect import SAMPLES, Effect, Judged, judged
from huxin.decision.policy_text import LONGEST, line_of, read_policy
from huxin.decision.policy_words import KEYS, differences
from huxin.errors import HuxinError
from huxin.oversight import policy_rules as rules
from huxin.paths import schema_root
from support.decisions import ASKED, FULL, answer, levels, loan, picture

SHIPPED = (schema_root() / "policy" / "enquiry.yaml").read_text(encoding="utf-8")
ENTRY = yaml.safe_load(SHIPPED)[-1]


def line(part: str) -> int:
    return next(number for number, text in enumerate(SHIPPED.splitlines(), 1) if part in text)


def test_what_is_shipped_is_read_as_the_platform_reads_it() -> None:
    assert read_policy(SHIPPED, "x").policy == load_policies()[-1]
    one = yaml.safe_dump(ENTRY, allow_unicode=True)
    assert read_policy(one, "x").policy == load_policies()[-1]
    assert read_policy(one, "x", date(2030, 1, 1)).policy.effective_on == date(2030, 1, 1)


def test_of_several_the_newest_counts() -> None:
    older = ENTRY | {"version": "older", "effective_on": date(2019, 1, 1)}
    newer = ENTRY | {"version": "newer", "effective_on": date(2031, 1, 1)}
    text = yaml.safe_dump([newer, ENTRY, older], allow_unicode=True)
    assert read_policy(text, "x").policy.version == "newer"


@pytest.mark.parametrize(
    ("code", "part", "instead"),
    [
        ("H1501", "    max_open_loans: 6", "    max_lenders: 6"),
        ("H1501", "  thresholds:", "  thresholds: ["),
        ("H1503", "max_lenders: 3", "max_lenders: 0"),
        ("H1503", "guaranteed_dpd: 90", "guaranteed_dpd: many"),
        ("H1503", "per_minute: 300,", "per_minute: -1,"),
        ("H1505", "HARDSHIP: info", "HARDSHIP: refer"),
        ("H1506", "bands: [1000", "bands: [0"),
    ],
)
def test_a_fault_names_its_line(code: str, part: str, instead: str) -> None:
    with pytest.raises(HuxinError, match=code) as caught:
        read_policy(SHIPPED.replace(part, instead, 1), "new.yaml")
    at = re.match(r"new\.yaml:(\d+)", str(caught.value.facts["place"]))
    assert at
    # An open bracket is seen where the next thing cannot stand in it.
    assert int(at[1]) - line(part) in (range(4) if instead.endswith("[") else (0,))


@given(st.text(max_size=200))
def test_no_text_is_more_than_a_fault(text: str) -> None:
    with pytest.raises(HuxinError, match=r"H150\d"):
        read_policy(text, "x")


@pytest.mark.parametrize(
    "text",
    [
        *("[]", "[" * 5000, "x: " * 3000, "&a [*a]", "- 1", "'" * LONGEST * 2, "? [1]: 2", "2020-13-01"),
        *("!!int ''", "!!float _", "!!bool x", "!!timestamp x"),
    ],
)
def test_hostile_texts_are_refused(text: str) -> None:
    with pytest.raises(HuxinError, match=r"H150\d"):
        read_policy(text, "x")


def test_a_line_is_that_of_the_nearest_part() -> None:
    assert line_of("a:\n  b:\n    c: 1\n", "a.b.z") == 2
    assert line_of("- a: 1\n- b: 2\n", "[1].b") == 2
    assert line_of("", "a") == 1


def test_differences_are_told_by_key_and_word() -> None:
    changed = yaml.safe_load(SHIPPED)[-1]
    changed["windows"]["stacking_days"] = 14
    changed["levels"]["OVERDUE"] = "ineligible"
    changed["display"]["repair"] = None
    found = {each.key: each for each in differences(ENTRY, changed)}
    assert (found["windows.stacking_days"].before, found["windows.stacking_days"].after) == ("7", "14")
    assert found["windows.stacking_days"].word("zh") == "集中申请窗口"
    assert found["levels.OVERDUE"].word("en") == "level of flag OVERDUE"
    assert found["display.repair.max_amount"].after == "—"
    assert differences(ENTRY, yaml.safe_load(SHIPPED)[-1]) == []


def test_every_key_has_the_word_of_the_document() -> None:
    page = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z_.0-9]+)` \| ([^|]+) \|", page, flags=re.MULTILINE))
    assert set(rows) == set(KEYS)
    for key, word in rows.items():
        # Beneath the repair the document leaves the heading out.
        assert KEYS[key][0].removeprefix("一次性信用修复：") == word.strip()


@pytest.mark.parametrize("tier", ["full", "banded", "query_only"])
def test_judged_is_what_an_answer_says_whatever_is_shown_of_it(tier: str) -> None:
    facts = picture(loan(dpd=40, class5=3), loan(m=2), loan(m=3), loan(m=4, event=5))
    told, policy = answer(facts, tier=tier), policy_on(date(2026, 5, 31))
    again = judged(Facts.from_json(facts), FULL, policy, ASKED, tier)
    assert again.outcome == told["outcome"] == "ineligible"
    if tier != "query_only":
        assert again.levels == levels(told)


@pytest.mark.parametrize(("tier", "outcome"), [("full", "eligible"), ("banded", "ineligible")])
def test_judged_is_what_an_answer_says_near_a_cap(tier: str, outcome: str) -> None:
    facts, asked = picture(loan(balance=190_500_00)), replace(ASKED, amount=9_000_00)
    told, policy = answer(facts, asked, tier), policy_on(date(2026, 5, 31))
    again = judged(Facts.from_json(facts), FULL, policy, asked, tier)
    assert (again.outcome, again.levels) == (told["outcome"], levels(told)) == (outcome, levels(told))
    reasons = [(flag["reason"]["zh"], flag["reason"]["en"]) for flag in told["flags"]]
    assert all("向上取整" in zh and "rounded up" in en for zh, en in reasons)


def test_whoever_proposes_says_whether_others_amounts_are_told_to_the_cent() -> None:
    left_out = {name: value for name, value in ENTRY.items() if name != "others_in_steps"}
    text = yaml.safe_dump(left_out, allow_unicode=True)
    assert read_policy(text, "policy.yaml").policy.others_in_steps is None, (
        "as it was before there were steps"
    )
    with pytest.raises(HuxinError) as caught:
        read_policy(text, "policy.yaml", proposed=True)
    assert (caught.value.code, caught.value.facts["missing"]) == ("H1502", "others_in_steps")
    said = yaml.safe_dump(left_out | {"others_in_steps": None}, allow_unicode=True)
    assert read_policy(said, "policy.yaml", proposed=True).policy.others_in_steps is None


def test_an_effect_sums_what_changed() -> None:
    effect = Effect()
    good, bad = Judged("eligible", {}), Judged("refer", {"OVERDUE": "refer"})
    for number in range(SAMPLES * 2):
        effect.add(f"e{number}", "microlender", good, bad)
    effect.add("same", "guarantor", bad, bad)
    effect.add("worse", "guarantor", bad, Judged("ineligible", {"OVERDUE": "ineligible"}))
    effect.leave_out("H1513")
    told = effect.told()
    assert (told["enquiries"], told["changed"]) == (2 * SAMPLES + 2, 2 * SAMPLES + 1)
    assert told["outcomes"]["eligible"]["refer"] == 2 * SAMPLES
    assert told["flags"] == {"OVERDUE": {"gained": 2 * SAMPLES, "lost": 0, "heavier": 1, "lighter": 0}}
    assert len(told["samples"]["eligible→refer"]) == SAMPLES
    assert told["by_kind"]["guarantor"]["changed"] == 1
    assert told["left_out"] == {"H1513": 1}


def test_nobody_approves_what_is_their_own() -> None:
    rules.require_other("li.wei", "wang")
    for same in ("li.wei", "LI.WEI", " li.wei ", "ｌｉ.wei"):
        with pytest.raises(HuxinError, match="H1517"):
            rules.require_other("li.wei", same)
    for nobody in ("", "  ", "x" * 65, "a\x00b"):
        with pytest.raises(HuxinError, match="H1518"):
            rules.person(nobody)


def test_a_day_that_has_begun_keeps_its_policy() -> None:
    evening = datetime.fromisoformat("2026-05-31T22:00:00+08:00")
    assert rules.first_day(evening) == date(2026, 6, 1)
    rules.require_ahead(date(2026, 6, 1), evening)
    with pytest.raises(HuxinError, match="H1516"):
        rules.require_ahead(date(2026, 5, 31), evening)
    # At four minutes to midnight it is too late for tomorrow.
    with pytest.raises(HuxinError, match="H1516"):
        rules.require_ahead(date(2026, 6, 1), evening + timedelta(minutes=116))
