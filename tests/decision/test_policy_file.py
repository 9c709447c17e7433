"""The policy file: what it says, which version holds, and that each mistake in it has its code."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from huxin.decision import load_policies, policy_on, policy_version
from huxin.errors import HuxinError
from huxin.paths import schema_root

SHIPPED = schema_root() / "policy"
Entry = dict[str, Any]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Any], Path]:
    shutil.copytree(SHIPPED, tmp_path / "policy")

    def replace(entries: Any) -> Path:
        text = entries if isinstance(entries, str) else yaml.safe_dump(entries, allow_unicode=True)
        (tmp_path / "policy" / "enquiry.yaml").write_text(text, encoding="utf-8")
        load_policies.cache_clear()
        return tmp_path

    return replace


def entry() -> Entry:
    loaded: list[Entry] = yaml.safe_load((SHIPPED / "enquiry.yaml").read_text(encoding="utf-8"))
    return copy.deepcopy(loaded[-1])


def test_the_shipped_policy_is_the_legal_frame() -> None:
    policy = policy_on(date(2026, 5, 31))
    assert policy.caps.max_lenders == 3
    assert policy.caps.max_outstanding["consumer"] == 200_000_00
    assert policy.caps.max_outstanding["business"] == 10_000_000_00
    repair = policy.display.repair
    assert repair is not None
    assert (repair.max_amount, policy.display.negative_years) == (10_000_00, 5)
    assert (repair.arisen_from, repair.arisen_until) == (date(2020, 1, 1), date(2025, 12, 31))
    assert repair.repaid_by == date(2026, 3, 31)
    assert (policy.stacking_days, policy.coverage_days, policy.reservations.convert_days) == (7, 3, 7)
    assert policy.quota("query_only", "application").per_day == 1000
    assert set(policy.tiers) == {"full", "banded", "query_only"}


def test_a_file_of_an_earlier_program_has_what_it_did_not_know(write: Callable[[Any], Path]) -> None:
    """What was approved is never written again, so a new key has a value where it is left out."""
    earlier = entry()
    assert earlier["reservations"].pop("in_vain") == 5
    (policy,) = load_policies(write([earlier]))
    assert policy.reservations.in_vain == 5
    earlier["reservations"]["in_vain"] = None
    (policy,) = load_policies(write([earlier]))
    assert policy.reservations.in_vain is None


def test_a_version_holds_from_its_day_until_the_next(write: Callable[[Any], Path]) -> None:
    later = entry() | {"version": "2027.1", "effective_on": date(2027, 1, 1)}
    later["caps"] = later["caps"] | {"max_lenders": 2}
    root = write([later, entry()])
    assert [policy.version for policy in load_policies(root)] == ["2020.1", "2027.1"]
    assert policy_on(date(2026, 12, 31), root).caps.max_lenders == 3
    assert policy_on(date(2027, 1, 1), root).caps.max_lenders == 2
    assert policy_version("2020.1", root).caps.max_lenders == 3
    with pytest.raises(HuxinError) as none_yet:
        policy_on(date(2019, 12, 31), root)
    with pytest.raises(HuxinError) as never:
        policy_version("1.0", root)
    assert (none_yet.value.code, never.value.code) == ("H1507", "H1513")


def put(path: str, value: Any) -> Callable[[Entry], None]:
    def change(found: Entry) -> None:
        *way, last = path.split(".")
        for step in way:
            found = found[step]
        found[last] = value

    return change


def drop(path: str) -> Callable[[Entry], None]:
    def change(found: Entry) -> None:
        *way, last = path.split(".")
        for step in way:
            found = found[step]
        del found[last]

    return change


MISTAKES: list[tuple[Callable[[Entry], None], str]] = [
    (drop("version"), "H1502"),
    (drop("caps.max_lenders"), "H1502"),
    (drop("caps.max_outstanding.business"), "H1502"),
    (drop("levels.STACKING"), "H1502"),
    (drop("display.repair.kinds"), "H1502"),
    (put("cap", 3), "H1502"),
    (put("levels.MULTILENDER", "refer"), "H1502"),
    (put("quotas.full.hunting", {"per_minute": 1, "per_day": 1}), "H1502"),
    (put("version", 2020.1), "H1503"),
    (put("version", "版本一"), "H1503"),
    (put("version", "2020 1"), "H1503"),
    (put("effective_on", "2020-01-01"), "H1503"),
    (put("caps", None), "H1503"),
    (put("caps.max_lenders", 0), "H1503"),
    (put("caps.max_lenders", None), "H1503"),
    (put("caps.max_lenders", True), "H1503"),
    (put("caps.max_outstanding.consumer", 200_000.5), "H1503"),
    (put("caps.max_outstanding.consumer", "200,000"), "H1503"),
    (put("windows.stacking_days", 0), "H1503"),
    (put("thresholds.non_performing_class", "normal"), "H1503"),
    (put("thresholds.coverage_percent", 101), "H1503"),
    (put("levels.STACKING", "block"), "H1503"),
    (put("tiers", {}), "H1503"),
    (put("tiers.full.sections", ["everything"]), "H1503"),
    (put("tiers.full.sections", ["flags", "flags"]), "H1503"),
    (put("tiers.full.by_kind", "yes"), "H1503"),
    (put("bands", 1000), "H1503"),
    (put("display.disputed", "hidden"), "H1503"),
    (put("display.repair.kinds", ["person"]), "H1503"),
    (put("levels.HARDSHIP", "refer"), "H1505"),
    (put("levels.DISPUTED", "ineligible"), "H1505"),
    (put("bands", [3000, 1000]), "H1506"),
    (put("bands", []), "H1506"),
    (put("reservations.default_hours", 169), "H1506"),
    (put("display.repair.arisen_until", date(2026, 4, 1)), "H1506"),
    (drop("quotas.banded"), "H1506"),
    (put("texts", "flags_v0"), "H1501"),
]


@pytest.mark.parametrize(("mistake", "code"), MISTAKES)
def test_a_mistake_has_its_code(
    write: Callable[[Any], Path], mistake: Callable[[Entry], None], code: str
) -> None:
    wrong = entry()
    mistake(wrong)
    root = write([wrong])
    with pytest.raises(HuxinError) as refused:
        load_policies(root)
    assert refused.value.code == code
    assert refused.value.text("zh") and refused.value.text("en")


def test_the_unchanged_entry_passes(write: Callable[[Any], Path]) -> None:
    assert load_policies(write([entry()])) == load_policies()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("- {a: 1, a: 2}", "H1501"),
        ("- [", "H1501"),
        ("[]", "H1503"),
        ("{}", "H1503"),
        ("- 1", "H1503"),
        ("", "H1503"),
        ("- effective_on: 2020-13-01", "H1501"),
    ],
)
def test_a_file_that_is_none_has_its_code(write: Callable[[Any], Path], text: str, code: str) -> None:
    root = write(text)
    with pytest.raises(HuxinError) as refused:
        load_policies(root)
    assert refused.value.code == code


@pytest.mark.parametrize("changes", [{"version": "2"}, {"effective_on": date(2030, 1, 1)}])
def test_two_versions_differ_in_name_and_day(write: Callable[[Any], Path], changes: Entry) -> None:
    root = write([entry(), entry() | changes])
    with pytest.raises(HuxinError) as refused:
        load_policies(root)
    assert refused.value.code == "H1504"


def test_null_is_no_cap(write: Callable[[Any], Path]) -> None:
    free = entry()
    free["caps"] |= {
        "max_open_loans": None,
        "max_outstanding": dict.fromkeys(free["caps"]["max_outstanding"]),
    }
    caps = load_policies(write([free]))[0].caps
    assert caps.max_open_loans is None
    assert not caps.max_outstanding


def test_a_text_may_use_its_flags_figures_only(write: Callable[[Any], Path]) -> None:
    root = write([entry()])
    path = root / "policy" / "flags_v1.yaml"
    texts = path.read_text(encoding="utf-8")
    for wrong, code in (
        (texts.replace("{subjects}", "{members}", 1), "H1508"),
        (texts.replace("{subjects}", "{", 1), "H1503"),
        (texts.replace("STACKING:", "STACK:"), "H1502"),
    ):
        path.write_text(wrong, encoding="utf-8")
        load_policies.cache_clear()
        with pytest.raises(HuxinError) as refused:
            load_policies(root)
        assert refused.value.code == code


def test_who_does_not_report_sees_no_more_than_query_only() -> None:
    today = date(2026, 5, 31)
    policy = policy_on(today)
    assert policy.tier_shown("full", today - timedelta(days=policy.reciprocity_days), today) == "full"
    assert (
        policy.tier_shown("full", today - timedelta(days=policy.reciprocity_days + 1), today) == "query_only"
    )
    assert policy.tier_shown("banded", None, today) == "query_only"
