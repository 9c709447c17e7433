"""The reasons of the flags in both languages, and the figures that each flag has to fill them with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from types import MappingProxyType
from typing import Any, Final

from huxin.decision.shapes import record, refuse
from huxin.errors import HuxinError

# Every flag in the order of the answer, with its figures. Names ending in _zh, _en are spelt out for a text alone.
FIGURES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "MULTI_LENDER": ("lenders_after", "lenders", "reserved", "max_lenders"),
        "OVER_CAP": ("exceeded",),
        "OVERDUE": ("loans", "max_dpd_now", "max_dpd_24m", "past_defaults"),
        "NON_PERFORMING": ("worst_class", "loans", "cross_member"),
        "STACKING": ("days", "members", "enquiries", "reservations"),
        "GUARANTOR_LOAD": ("loans", "balance", "asked", "max_dpd", "max_loans", "max_balance", "above_dpd"),
        "SHARED_MOBILE": ("subjects", "at_least"),
        "NAME_DIFFERS": ("differ", "agree"),
        "HARDSHIP": ("loans",),
        "RESTRUCTURED": ("loans",),
        "DISPUTED": ("entries",),
        "LOW_COVERAGE": ("members", "reported", "below_percent", "days"),
    }
)
WORDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "OVER_CAP": ("caps_zh", "caps_en"),
        "NON_PERFORMING": ("worst_class_zh", "cross_member_zh", "cross_member_en"),
    }
)
FLAGS: Final = tuple(FIGURES)


@dataclass(frozen=True)
class FlagText:
    """Two templates over the flag's figures."""

    zh: str
    en: str


def check_texts(value: Any, place: str) -> Mapping[str, FlagText]:
    """The texts of every flag. HuxinError H1502 (flags missing or unknown), H1503, H1508 (a figure that is none)."""
    one = record({"zh": _text, "en": _text}, FlagText)
    texts: dict[str, FlagText] = record(dict.fromkeys(FLAGS, one))(value, place)
    for code, text in texts.items():
        known = {*FIGURES[code], *WORDS.get(code, ())}
        unknown = (_fields(text.zh) | _fields(text.en)) - known
        if unknown:
            raise HuxinError("H1508", place=f"{place}.{code}", unknown=", ".join(sorted(unknown)))
    return MappingProxyType(texts)


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str) or not value:
        refuse(place, "text")
    try:
        _fields(value)
    except ValueError:
        refuse(place, "text with {name} in braces")
    return value


def _fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}
