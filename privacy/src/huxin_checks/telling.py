"""Findings with their checks' words, in Chinese or English."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from huxin_checks.contract import Contract, load_contract
from huxin_checks.finding import Finding
from huxin_checks.refusal_words import refusal_words

# What is known of a refusal beside its code; no cell is among it.
_TOLD = ("reason", "headers", "columns", "line", "said", "found")


@dataclass(frozen=True)
class Told:
    """A finding with its check's words in one language."""

    code: str
    severity: str
    record: int
    line: int | None
    field: str
    masked: str | None
    text: str
    hint: str


def told(found: Iterable[Finding], language: str) -> list[Told]:
    """Findings with their checks' words in "zh" or "en"."""
    contract = load_contract()
    return [_told(finding, contract, language) for finding in found]


def told_refused(facts: Mapping[str, object], language: str) -> Told:
    """The check that refused a whole file with its cause in words; `facts` are its code, reason and what is known."""
    line = facts.get("line")
    about = json.dumps({name: facts[name] for name in facts if name in _TOLD}, ensure_ascii=False)
    finding = Finding(0, str(facts["code"]), "", line if isinstance(line, int) else None, about)
    (each,) = told([finding], language)
    return replace(each, text=each.text + refusal_words(facts, language))


def _told(finding: Finding, contract: Contract, language: str) -> Told:
    check = contract.check(finding.code)
    zh = language == "zh"
    return Told(
        code=finding.code,
        severity=check.severity,
        record=finding.record,
        line=finding.line,
        field=finding.field,
        masked=finding.masked,
        text=check.zh if zh else check.en,
        hint=check.hint_zh if zh else check.hint_en,
    )
