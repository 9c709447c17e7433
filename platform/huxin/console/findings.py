"""Findings as a clerk mends them: one group a rule, with its count, its words, and a few of its places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _l

from huxin.console import texts
from huxin.console.data_words import column
from huxin.console.shape import Chip
from huxin.contract import load_contract
from huxin.registry.submissions import Submission
from huxin_checks.finding import Finding
from huxin_checks.refusal_words import refusal_words

SAMPLES = 3
_ORDER = {"refuse": 0, "reject": 1, "warn": 2}
_BY_LETTER = {"F": "refuse", "E": "reject", "W": "warn"}


SEVERITIES = {
    "refuse": Chip("!", _l("整份拒收"), "red"),
    "reject": Chip("✕", _l("拒收该行"), "orange"),
    "warn": Chip("i", _l("提醒"), "blue"),
}


@dataclass(frozen=True)
class Group:
    """One rule that fired: how often, what it says, how to mend it, and where for example."""

    code: str
    severity: str
    count: int
    text: str
    hint: str
    samples: list[Sample] = field(default_factory=list)


@dataclass(frozen=True)
class Sample:
    """One place: line of the file, column, the masked value."""

    line: int | None
    column: str
    masked: str | None


def groups_of(item: Submission, samples: Iterable[Finding]) -> list[Group]:
    """Those of a submission; its counts by code are complete, `samples` are a few of each."""
    return _groups(item.codes, samples, item.facts)


def groups_of_check(told: Mapping[str, Any]) -> list[Group]:
    """Those of a file that was checked without being filed."""
    kept: dict[str, list[Finding]] = {}
    for each in told["findings"]:
        group = kept.setdefault(each["code"], [])
        if len(group) < SAMPLES:
            group.append(Finding(each["record"], each["code"], each["field"], each["line"], each["masked"]))
    return _groups(told["codes"], [one for group in kept.values() for one in group], told["facts"])


def _groups(codes: Mapping[str, int], samples: Iterable[Finding], facts: Mapping[str, Any]) -> list[Group]:
    known, zh = {check.code: check for check in load_contract().checks}, texts.language() == "zh"
    places: dict[str, list[Sample]] = {}
    for found in samples:
        if found.record:
            places.setdefault(found.code, []).append(Sample(found.line, column(found.field), found.masked))
    groups = []
    for code, count in codes.items():
        check = known.get(code)
        text, hint = (
            ("", "") if check is None else (check.zh, check.hint_zh) if zh else (check.en, check.hint_en)
        )
        if code == facts.get("code"):
            text += refusal_words(facts, texts.language())
        groups.append(Group(code, severity_of(code), count, text or code, hint, places.get(code, [])))
    return sorted(groups, key=lambda group: (_ORDER[group.severity], -group.count, group.code))


def severity_of(code: str) -> str:
    """What a check does. Of one that the contract has no more, which old submissions may name, its letter tells."""
    known = next((check for check in load_contract().checks if check.code == code), None)
    return known.severity if known else _BY_LETTER.get(code[:1], "warn")
