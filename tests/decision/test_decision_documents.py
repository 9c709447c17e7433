"""docs/answer.md and docs/policy.md name every key that there is, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from huxin.decision.texts import FIGURES
from huxin.paths import schema_root
from support.decisions import answer, count, loan, picture, reservation

DOCS = Path(__file__).parents[2] / "docs"
ANSWER = (DOCS / "answer.md").read_text(encoding="utf-8")
POLICY = (DOCS / "policy.md").read_text(encoding="utf-8")
WINDOWS = "{d7,d15,d30,d90,d180,d365}"
ANY_KEYS = ("caps.max_outstanding", "levels", "tiers", "quotas")
HAN = re.compile(r"[\u4e00-\u9fff]")


def paths(value: Any, way: str = "") -> Iterator[str]:
    """Every key below a value, as it is spelt in the tables."""
    if isinstance(value, dict):
        for name, entry in value.items():
            here = f"{way}.{name}" if way else name
            yield here
            yield from paths(entry, here)
    elif isinstance(value, list):
        for entry in value:
            yield from paths(entry, f"{way}[]")


def documented(page: str, heading: str) -> dict[str, list[str]]:
    """First cells (without backquotes) of the table below a heading, to their rows' cells."""
    part = page.split(heading, 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split(" | ") for line in part.splitlines() if line.startswith("| `")]
    return {row[0].strip(" `"): [cell.strip() for cell in row] for row in rows}


def spelt(path: str) -> str | None:
    """The row that documents a path: windows and the two parts of the exposure stand once."""
    path = re.sub(r"^exposure\.(own|others)\.", "exposure.", path)
    path = re.sub(r"^enquiries\.by_mobile\.d\d+", "enquiries.by_subject.d7", path)
    path = re.sub(r"^(enquiries\.by_subject)\.d\d+$", rf"\1.{WINDOWS}", path)
    path = re.sub(r"^(enquiries\.by_subject)\.d\d+", r"\1.d7", path)
    path = re.sub(r"(figures|by_kind)[.\[].*", r"\1", path)
    groups = (
        "flags[].reason",
        "exposure.pending_reservations",
        "delinquency",
        "enquiries",
        "match",
        "coverage",
    )
    return None if path in (*groups, "enquiries.by_subject") else path


def test_every_key_of_the_answer_is_documented_in_both_languages() -> None:
    full = answer(
        picture(
            loan(name=False),
            reservations=[reservation()],
            enquiries=[count(d7=1)],
            mobile={"subjects": 3, "enquiries": [count(d7=1)]},
        )
    )
    there = {spelt(path) for path in paths(full)} - {None}
    table = documented(ANSWER, "## 字段 fields")
    assert there == set(table)
    for cells in table.values():
        assert len(cells) == 3
        assert HAN.search(cells[1])
        assert cells[2] and not HAN.search(cells[2].split("(")[0])


def test_every_flag_is_documented_with_its_figures() -> None:
    table = documented(ANSWER, "## 预警标志 flags")
    assert list(table) == list(FIGURES)
    for code, cells in table.items():
        named = re.findall(r"`(\w+)`", cells[3])
        assert tuple(named[: len(FIGURES[code])]) == FIGURES[code]


def test_every_tier_is_documented() -> None:
    entries = yaml.safe_load((schema_root() / "policy" / "enquiry.yaml").read_text(encoding="utf-8"))
    assert set(documented(ANSWER, "## 会员等级")) == {name for entry in entries for name in entry["tiers"]}


def test_every_key_of_the_policy_is_documented() -> None:
    entries = yaml.safe_load((schema_root() / "policy" / "enquiry.yaml").read_text(encoding="utf-8"))
    groups = {"caps", "windows", "thresholds", "reservations", "display"}
    there = set()
    for path in paths(entries[-1]):
        chosen = next((name for name in ANY_KEYS if path.startswith(f"{name}.")), path)
        there.add(chosen)
    assert there - groups == set(documented(POLICY, "# 准入规则"))
