"""The description of the answer: every field that docs/answer.md has, and true of what each tier is told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from huxin.api.answer_shape import Answered
from huxin.decision import Coverage
from support.decisions import answer, count, loan, picture, reservation

ANSWER = (Path(__file__).parents[2] / "docs" / "answer.md").read_text(encoding="utf-8")
SCHEMA = Answered.model_json_schema()
# Of the enquiry, not of the decision.
HEAD = {
    "enquiry_id": "01970000-0000-7000-8000-000000000001",
    "asked_at": "2026-05-31T14:00:00.000Z",
    "handle": "0123456789abcdef",
    "promise": {
        "leaf": "00",
        "at": "2026-05-31T14:00:00.000Z",
        "log": "l",
        "within_s": 60,
        "key": "0",
        "signature": "s",
        "record": "{}",
        "salt": "0",
    },
}
MUCH = picture(
    *(loan(m=each, name=False, dpd=100, balance=300_000_00, class5=4) for each in range(6)),
    loan(role=3, balance=2_000_000_00),
    reservations=[reservation()],
    enquiries=[count(d7=1), count(own=True, d7=2)],
    mobile={"subjects": 3, "enquiries": [count(d7=1)]},
    disputes=1,
)
NOTHING = picture()


def closed(schema: Any) -> Any:
    """The schema with no room for a key that it does not name, but for mappings that have keys of their own."""
    if isinstance(schema, dict):
        made = {name: closed(each) for name, each in schema.items()}
        return {**made, "additionalProperties": False} if "properties" in schema else made
    return [closed(each) for each in schema] if isinstance(schema, list) else schema


def paths(schema: Any, way: str = "") -> Iterator[str]:
    """Every key of the described answer, as docs/answer.md spells it."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    for each in schema.get("anyOf", ()):
        yield from paths(each, way)
    if schema.get("type") == "array":
        yield from paths(schema["items"], f"{way}[]")
    for name, each in schema.get("properties", {}).items():
        here = f"{way}.{name}" if way else name
        yield here
        yield from paths(each, here)


def spelt(path: str) -> str:
    """The row that documents a path: windows and the two parts of the exposure stand once."""
    once = re.sub(r"^exposure\.(own|others)\.", "exposure.", path)
    once = re.sub(r"^enquiries\.by_mobile\.d\d+", "enquiries.by_subject.d7", once)
    once = re.sub(r"^enquiries\.by_subject\.d\d+$", "enquiries.by_subject.{d7,d15,d30,d90,d180,d365}", once)
    return re.sub(r"^enquiries\.by_subject\.d\d+", "enquiries.by_subject.d7", once)


@pytest.mark.parametrize("tier", ["full", "banded", "query_only"])
@pytest.mark.parametrize("facts", [MUCH, NOTHING], ids=["much", "nothing"])
@pytest.mark.parametrize("coverage", [Coverage(6, 6), Coverage(0, 0), Coverage(6, 1)], ids=str)
def test_what_each_tier_is_told_is_as_it_is_described(
    tier: str, facts: dict[str, Any], coverage: Coverage
) -> None:
    told = HEAD | answer(facts, tier=tier, coverage=coverage)
    found = [
        f"{each.json_path}: {each.message}" for each in Draft202012Validator(closed(SCHEMA)).iter_errors(told)
    ]
    assert found == []


def test_only_what_every_tier_is_told_is_said_to_be_there() -> None:
    blind = HEAD | answer(MUCH, tier="query_only")
    assert set(SCHEMA["required"]) == set(blind)
    assert SCHEMA["$defs"]["Exposure"]["required"] == list(blind["exposure"])


def test_every_field_of_the_answer_is_described_and_no_other() -> None:
    part = ANSWER.split("## 字段 fields", 1)[1].split("\n## ", 1)[0]
    documented = set(re.findall(r"^\| `([^`]+)`", part, flags=re.MULTILINE))
    described = {spelt(path) for path in paths(SCHEMA) if path.partition(".")[0] not in HEAD}
    groups = {
        path for path in described if any(each.startswith((f"{path}.", f"{path}[")) for each in described)
    }
    assert documented <= described
    assert described - documented <= groups


def test_every_described_field_is_told_in_words() -> None:
    for name, each in SCHEMA["$defs"].items():
        assert re.search("[\u4e00-\u9fff]", each.get("description", "")), name
