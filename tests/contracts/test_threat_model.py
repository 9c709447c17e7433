"""docs/threat-model.md: every row names tests that exist, or says that it is a residual risk; no key is left out."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

import pytest

from huxin_privacy import keyring

TREE = Path(__file__).parents[2]
PAGE = (TREE / "docs" / "threat-model.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
HAN = re.compile(r"[\u4e00-\u9fff]")
COLUMNS = 4


def table(text: str) -> list[list[str]]:
    """The cells of each row of the tables, heads and rules left out."""
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in rows]
    return [row for row in cells if not set(row[0]) <= set("- ") and row[-1] != "shown by"]


@lru_cache(maxsize=64)
def functions_of(path: str) -> frozenset[str]:
    file = TREE / path
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def faults(row: list[str]) -> list[str]:
    """What is wrong with a row."""
    if len(row) != COLUMNS:
        return [f"{len(row)} cells"]
    named = NAMED.findall(row[-1])
    found = [f"{path}::{name}" for path, name in named if name not in functions_of(path)]
    if not named and "**residual**" not in " ".join(row[1:3]):
        found.append("neither a test nor residual")
    if named and re.sub(NAMED, "", row[-1]).strip():
        found.append("more than tests in the last cell")
    if not all(row[:3]):
        found.append("an empty cell")
    return found


ROWS = table(PAGE)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:60])
def test_a_row_is_backed_by_tests_or_says_that_it_is_residual(row: list[str]) -> None:
    assert faults(row) == []


def test_the_search_can_fail() -> None:
    good = "`tests/contracts/test_threat_model.py::test_the_search_can_fail`"
    assert faults(["a", "b", "c", good]) == []
    assert faults(["a", "b", "c", good.replace("can_fail", "cannot")]) != []
    assert faults(["a", "b", "c", good.replace("contracts", "contract")]) != []
    assert faults(["a", "b", "c", ""]) != []
    assert faults(["a", "**residual**: b", "c", ""]) == []
    assert faults(["a", "", "c", good]) != []
    assert faults(["a", "b", "c", f"{good} or so"]) != []
    assert faults(["a", "b", good]) != []


def test_there_is_a_row_for_each_key_and_each_place() -> None:
    first = [row[0] for row in ROWS]
    for zone in keyring.ZONES:
        assert any(f"`{zone}` key" in cell for cell in first), zone
    for place in ("database", "spool", "logs", "backup", "Airflow", "audit log", "inbox", "memory"):
        assert any(place in cell for cell in first), place
    for party in ("a member together with the registry zone", "an operator with everything"):
        assert any(party in cell for cell in first), party


def test_the_residual_risks_are_said_in_chinese_too() -> None:
    summary = PAGE.split("## 摘要", 1)[1].split("\n## ", 1)[0]
    assert len(HAN.findall(summary)) > 400
    assert "residual" in summary
    for word in ("两把密钥", "会员", "暂存区", "备份", "残余风险"):
        assert word in summary
