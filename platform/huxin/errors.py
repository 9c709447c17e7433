"""One error type with a stable code; the texts stand in schemas/errors.yaml, in Chinese and English."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import yaml

from huxin.paths import schema_root
from huxin_privacy.errors import PrivacyError


@dataclass(frozen=True)
class ErrorText:
    """What a code says: the fault and what to do, in both languages.

    `exit_code` is the command line's; `status` is HTTP's, None for what is no caller's business. `operator` is what an
    operator can do beside, by language.
    """

    zh: str
    en: str
    exit_code: int = 2
    status: int | None = None
    operator: Mapping[str, str] = field(default_factory=dict)


class HuxinError(Exception):
    """A fault the platform foresees. `facts` fill the text; they never hold an identifier in clear."""

    def __init__(self, code: str, /, **facts: object) -> None:
        self.code = code
        self.facts = facts
        super().__init__(f"{code}: {self.text('en')}")

    def text(self, language: str) -> str:
        """The fault and its remedy in `language` ("zh" or "en")."""
        entry = error_texts()[self.code]
        return (
            entry.zh.format(**_in_chinese(self.facts)) if language == "zh" else entry.en.format(**self.facts)
        )

    @property
    def exit_code(self) -> int:
        return error_texts()[self.code].exit_code

    @property
    def status(self) -> int | None:
        return error_texts()[self.code].status


def _in_chinese(facts: dict[str, object]) -> dict[str, object]:
    """The facts with a state in Chinese before the word that programs read."""
    state = facts.get("state")
    word = _states().get(state) if isinstance(state, str) else None
    return facts if word is None else {**facts, "state": f"{word}（{state}）"}


@lru_cache(maxsize=1)
def _states() -> dict[str, str]:
    loaded: dict[str, str] = yaml.safe_load((schema_root() / "states_zh.yaml").read_text(encoding="utf-8"))
    return loaded


@lru_cache(maxsize=1)
def error_texts() -> dict[str, ErrorText]:
    """All codes of schemas/errors.yaml."""
    loaded = yaml.safe_load((schema_root() / "errors.yaml").read_text(encoding="utf-8"))
    return {code: ErrorText(**entry) for code, entry in loaded.items()}


def for_operators(error: HuxinError | PrivacyError, language: str) -> str:
    """What an operator is told: the text, and what only an operator can do about it, which no member reads."""
    text = error.text(language)
    more = error_texts()[error.code].operator.get(language) if isinstance(error, HuxinError) else None
    if more is None:
        return text
    return f"{text}{'' if language == 'zh' else ' '}{more.format(**error.facts)}"


def places(error: BaseException) -> str:
    """Where an error came from, without its text, which may quote a cell."""
    frames = traceback.extract_tb(error.__traceback__)[-5:]
    return " > ".join(f"{Path(frame.filename).stem}.{frame.name}:{frame.lineno}" for frame in frames)
