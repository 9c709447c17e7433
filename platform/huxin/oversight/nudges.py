"""What members that are late are told: templates of schemas/console/nudges.yaml, filled in for an operator to send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from huxin.decision.shapes import Check, record, refuse
from huxin.decision.yaml_file import read_yaml
from huxin.oversight.calendar import BACKFILL_OPEN, MISSING, WAITING, DayState
from huxin.paths import schema_root
from huxin.registry.reports import Reporter
from huxin.settings import SHANGHAI

FILE: Final = "nudges.yaml"
REFUSED: Final = "refused"
KINDS: Final = (MISSING, BACKFILL_OPEN, WAITING, REFUSED)
PLACES: Final = ("member", "code", "days", "due", "until")


@dataclass(frozen=True)
class Nudge:
    """One message in both languages."""

    zh: str
    en: str


def nudge(member: Reporter, days: Mapping[date, DayState], until: datetime | None = None) -> Nudge:
    """What to tell a member about days of one kind, oldest first; `until` is when a backfill ends."""
    told = kind_of(next(iter(days.values())))
    template = load_nudges()[told]
    ordered = sorted(days)
    facts = {
        "member": member.name,
        "code": member.code,
        "due": _time(days[ordered[0]].due_at),
        "until": "" if until is None else _time(until),
    }
    return Nudge(
        template.zh.format(days="、".join(map(str, ordered)), **facts).strip(),
        template.en.format(days=", ".join(map(str, ordered)), **facts).strip(),
    )


def kind_of(state: DayState) -> str:
    """Which template a day's state calls for: a refused file is told of before a missing one."""
    return REFUSED if state.refused and state.state == MISSING else state.state


@lru_cache(maxsize=4)
def load_nudges(root: Path | None = None) -> dict[str, Nudge]:
    """The templates by kind. HuxinError H1501, H1502, H1503 for a faulty file."""
    loaded = read_yaml((root or schema_root()) / "console", FILE)
    found: dict[str, Nudge] = record(dict.fromkeys(KINDS, record({"zh": _text, "en": _text}, Nudge)))(
        loaded, FILE
    )
    return found


def _template(value: object, place: str) -> str:
    """A text that every placeholder's value can be put into, and nothing else is asked for."""
    try:
        assert isinstance(value, str)
        value.format(**dict.fromkeys(PLACES, ""))
    except (AssertionError, KeyError, IndexError, ValueError, AttributeError):
        refuse(place, "text with " + ", ".join(f"{{{name}}}" for name in PLACES))
    return value


_text: Check = _template


def _time(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
