"""What members that are late are told: templates of schemas/console/nudges.yaml, filled in for an operator to send."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import Final

from huxin.decision.shapes import Check, record, refuse
from huxin.decision.yaml_file import read_yaml
from huxin.enquiry.own_words import require_nobody
from huxin.errors import HuxinError
from huxin.oversight.calendar import BACKFILL_OPEN, MISSING, WAITING, DayState, terms_by_day
from huxin.paths import schema_root
from huxin.registry.reminders import Words
from huxin.registry.reports import Reporter
from huxin.registry.terms import BACKFILL, Term
from huxin.settings import SHANGHAI

FILE: Final = "nudges.yaml"
REFUSED: Final = "refused"
KINDS: Final = (MISSING, BACKFILL_OPEN, WAITING, REFUSED)
_LONGEST: Final = 2_000
PLACES: Final = ("member", "code", "days", "due", "until")


@dataclass(frozen=True)
class Nudge:
    """One message in both languages."""

    zh: str
    en: str


@dataclass(frozen=True)
class Told:
    """What a member is told about its days of one kind, oldest first."""

    kind: str
    days: tuple[date, ...]
    zh: str
    en: str


def nudge(
    member: Reporter,
    days: Mapping[date, DayState],
    until: datetime | None = None,
    templates: Mapping[str, Nudge] | None = None,
) -> Nudge:
    """What to tell a member about days of one kind, oldest first; `until` is when a backfill ends."""
    told = kind_of(next(iter(days.values())))
    template = (templates or load_nudges())[told]
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


def nudges_for(
    member: Reporter,
    owed: Iterable[tuple[date, DayState]],
    terms: Iterable[Term],
    templates: Mapping[str, Nudge] | None = None,
) -> list[Told]:
    """A message for each kind of day that a member owes; `terms` are what was granted to it or to everybody."""
    lacking: dict[str, dict[date, DayState]] = {}
    for day, state in owed:
        lacking.setdefault(kind_of(state), {})[day] = state
    mine = terms_by_day(terms, member.id)
    found = []
    for kind, days in lacking.items():
        ends = [t.until for day in days for t in mine.get(day, ()) if t.kind == BACKFILL and t.until]
        made = nudge(member, days, max(ends, default=None), templates)
        found.append(Told(kind, tuple(sorted(days)), made.zh, made.en))
    return found


def templates_in_force(own: Mapping[str, Words]) -> dict[str, Nudge]:
    """Those shipped, less those that operators have put others in place of."""
    return load_nudges() | {kind: Nudge(words.zh, words.en) for kind, words in own.items() if kind in KINDS}


def require_words(zh: str, en: str) -> None:
    """HuxinError H2017 where a text is empty, too long, or asks for no placeholder of ours; H1207 for a person."""
    for text in (zh, en):
        try:
            asked = [each[1:] for each in Formatter().parse(text) if each[1] is not None]
        except ValueError:
            asked = [("", "", "")]
        fine = all(name in PLACES and not spec and not how for name, spec, how in asked)
        if not (fine and text.strip() and len(text) <= _LONGEST):
            raise HuxinError("H2017", places=", ".join(f"{{{name}}}" for name in PLACES))
    require_nobody({"zh": zh, "en": en})


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
