"""One code, one text in each language: schemas/errors.yaml and the code name the same errors and facts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
import yaml

from huxin.contract import load_states
from huxin.errors import HuxinError
from huxin.registry import alarms, reservations
from huxin.registry.policy_changes import APPROVED, PROPOSED, WITHDRAWN

TREE = Path(__file__).parents[2]
TEXT = (TREE / "schemas" / "errors.yaml").read_text(encoding="utf-8")
ERRORS: dict[str, dict[str, object]] = yaml.safe_load(TEXT)
SOURCES = [path for room in ("platform", "dags") for path in (TREE / room).rglob("*.py")]
COMMAND = re.compile(r"\bhuxin(?!-| receipt verify)\b|HUXIN_|yaml\b")
# Told at /metrics and /readyz, which operators' own programs ask.
OPERATION = frozenset({"H1127", "H1128"})
HAN = re.compile(r"[\u4e00-\u9fff]")


def facts(text: object) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(str(text)) if field}


def raised() -> Iterator[tuple[str, str, set[str] | None]]:
    """Each HuxinError(...) in the code: where, its code, its facts (None when computed)."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "HuxinError" and node.args:
                code = node.args[0]
                given = {word.arg for word in node.keywords}
                if isinstance(code, ast.Constant):
                    names = None if None in given else {str(word) for word in given}
                    yield f"{path.name}:{node.lineno}", str(code.value), names


def test_codes_stand_once() -> None:
    """YAML would let the later of two silently win."""
    codes = re.findall(r"^(\w+):", TEXT, flags=re.MULTILINE)
    assert sorted(codes) == sorted(set(codes))
    assert [code for code in codes if not re.fullmatch(r"H\d{4}", code)] == []


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_speaks_both_languages_of_the_same_facts(code: str) -> None:
    entry = ERRORS[code]
    assert set(entry) <= {"zh", "en", "exit_code", "status", "operator"}
    texts: dict[str, object] = {"zh": entry["zh"], "en": entry["en"]}
    for said in (texts, entry.get("operator", texts)):
        assert isinstance(said, dict)
        assert HAN.search(str(said["zh"]))
        assert not HAN.search(str(said["en"]))
        assert facts(said["zh"]) == facts(said["en"])
        assert facts(said["zh"]) <= facts(entry["zh"]), (
            "what operators are told is filled from the same facts"
        )


def test_what_a_caller_is_told_names_no_operators_command() -> None:
    """A member can run none of ours but the checking of receipts; operators read `operator` beside it."""
    findings = yaml.safe_load((TREE / "schemas" / "api" / "whoami.yaml").read_text(encoding="utf-8"))
    told = {code: entry for code, entry in ERRORS.items() if "status" in entry}
    for code, entry in (told | findings).items():
        if code not in OPERATION:
            for language in ("zh", "en"):
                assert not COMMAND.search(str(entry[language])), f"{code} {language}"


def test_a_state_is_told_in_the_language_of_its_sentence() -> None:
    words = yaml.safe_load((TREE / "schemas" / "states_zh.yaml").read_text(encoding="utf-8"))
    told = {each.name: each.zh for each in load_states()}
    assert {name: words[name] for name in told} == told
    others = (
        {each.name.lower() for each in reservations.State}
        | {PROPOSED, APPROVED, WITHDRAWN}
        | {*alarms.STATES}
    )
    assert set(words) == set(told) | others
    error = HuxinError("H1214", state="converted")
    assert "已转为贷款（converted）" in error.text("zh")
    assert "This reservation is converted and" in error.text("en")
    assert error.facts == {"state": "converted"}, "what programs read is the same in every language"


def test_a_status_is_one_of_a_refusal_or_a_fault() -> None:
    statuses = {code: entry["status"] for code, entry in ERRORS.items() if "status" in entry}
    assert statuses
    assert {code: status for code, status in statuses.items() if status not in range(400, 600)} == {}


def test_what_is_raised_is_written_and_gets_its_facts() -> None:
    places = list(raised())
    assert places
    assert [(where, code) for where, code, _ in places if code not in ERRORS] == []
    wrong = [
        (where, code, given)
        for where, code, given in places
        if given is not None and given != facts(ERRORS[code]["zh"])
    ]
    assert wrong == []


def test_what_is_written_is_raised() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    assert [name for name in ERRORS if f'"{name}"' not in code] == []
