"""schemas/policy/guard.yaml: versions by their day, every mistake refused with its code, every key documented."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from huxin.errors import HuxinError
from huxin.oversight.guard_policy import guard_policy, load_guard_policies
from huxin.paths import schema_root

SHIPPED = schema_root() / "policy" / "guard.yaml"
PAGE = (Path(__file__).parents[2] / "docs" / "guard.md").read_text(encoding="utf-8")
Write = Callable[[Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    (tmp_path / "policy").mkdir()

    def replace(entries: Any) -> Path:
        text = entries if isinstance(entries, str) else yaml.safe_dump(entries)
        (tmp_path / "policy" / "guard.yaml").write_text(text, encoding="utf-8")
        load_guard_policies.cache_clear()
        return tmp_path

    return replace


def entry() -> dict[str, Any]:
    loaded: list[dict[str, Any]] = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    return copy.deepcopy(loaded[-1])


def test_a_version_holds_from_its_day_until_the_next(write: Write) -> None:
    later = entry() | {"version": "2027.1", "effective_on": date(2027, 1, 1), "quota": {"refused": 9}}
    root = write([later, entry()])
    assert guard_policy(date(2026, 12, 31), root).quota.refused == 1
    assert guard_policy(date(2027, 1, 1), root).quota.refused == 9
    with pytest.raises(HuxinError, match="H1901"):
        guard_policy(date(2019, 12, 31), root)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda e: e.pop("repeated"), "H1502"),
        (lambda e: e.update(more=1), "H1502"),
        (lambda e: e["hit_rate"].update(least=0), "H1503"),
        (lambda e: e["hit_rate"].update(from_own=25.5), "H1503"),
        (lambda e: e["hit_rate"].update(from_sector=101), "H1503"),
        (lambda e: e["conversion"]["below"].pop("guarantee"), "H1502"),
        (lambda e: e["conversion"].update(of_sector="25"), "H1503"),
        (lambda e: e["repeated"].update(enquiries=1), "H1503"),
        (lambda e: e["quota"].update(refused=True), "H1503"),
        (lambda e: e.update(effective_on="2020-01-01"), "H1503"),
    ],
)
def test_each_mistake_is_refused(write: Write, change: Callable[[dict[str, Any]], object], code: str) -> None:
    made = entry()
    change(made)
    with pytest.raises(HuxinError, match=code):
        load_guard_policies(write([made]))


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "H1503"), ("[]", "H1503"), ("a: [", "H1501"), ("- {a: 1, a: 2}", "H1501"), ("\ufeff\x00", "H1501")],
)
def test_a_file_that_is_none_is_refused(write: Write, text: str, code: str) -> None:
    with pytest.raises(HuxinError, match=code):
        load_guard_policies(write(text))


def test_a_version_stands_once(write: Write) -> None:
    for twin in (entry() | {"version": "2"}, entry() | {"effective_on": date(2021, 1, 1)}):
        with pytest.raises(HuxinError, match="H1504"):
            load_guard_policies(write([entry(), twin]))


def test_every_key_is_documented_and_no_other() -> None:
    table = PAGE.split("## Thresholds", 1)[1].split("\n## ", 1)[0]
    documented = set(re.findall(r"^\| `([a-z_.]+)` \|", table, flags=re.MULTILINE))
    assert documented == set(paths(entry()))


def paths(value: dict[str, Any], way: str = "") -> Iterator[str]:
    """The keys that hold a value; thresholds by purpose are one."""
    for name, each in value.items():
        here = f"{way}.{name}" if way else name
        if isinstance(each, dict) and name != "below":
            yield from paths(each, here)
        else:
            yield here
