"""How values look in pages: money, counts, moments, days; names of states with their number and colour."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, request, url_for
from markupsafe import Markup

STATIC = Path(__file__).parent / "static"
_SHANGHAI = ZoneInfo("Asia/Shanghai")
NONE = "—"


def register(app: Flask) -> None:
    """Makes them known to every template."""
    app.jinja_env.filters.update(
        money=money, count=count, apart=apart, moment=moment, day=day, percent=percent
    )
    app.jinja_env.globals.update(asset=asset, icon=icon, with_query=with_query)


def money(cents: int | None) -> str:
    """Yuan with two decimals of an amount in cents."""
    return NONE if cents is None else f"{cents / 100:,.2f}"


def count(number: int | None) -> str:
    """A whole number with its thousands apart."""
    return NONE if number is None else f"{number:,}"


def apart(told: object) -> str:
    """The numbers of an answer with their thousands apart: a number, an amount in yuan, or the band of one."""
    return re.sub(r"\d{4,}", lambda digits: f"{int(digits[0]):,}", str(told))


def percent(share: float | None) -> str:
    """A share of one as per cent with one decimal."""
    return NONE if share is None else f"{share * 100:.1f}%"


def moment(at: datetime | None) -> str:
    """A moment in Shanghai, to the minute."""
    return NONE if at is None else at.astimezone(_SHANGHAI).strftime("%Y-%m-%d %H:%M")


def day(on: date | None) -> str:
    """A day as it is written in files."""
    return NONE if on is None else on.isoformat()[:10]


def asset(name: str) -> str:
    """The address of a file of static/, which changes when the file does: browsers may keep it for a year."""
    return url_for("static", filename=name, v=_version(name))


@lru_cache(maxsize=64)
def _version(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def icon(name: str) -> Markup:
    """One of the icons in the sprite (`make vendor` puts those in that pages name); said aloud by nothing."""
    drawn = Markup('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>')
    return drawn.format(asset("vendor/icons.svg"), name)


def with_query(**changes: Any) -> str:
    """The present address with some of its query changed; None takes a part away."""
    values: dict[str, Any] = {**(request.view_args or {}), **request.args.to_dict(), **changes}
    return url_for(
        request.endpoint or "", **{name: value for name, value in values.items() if value is not None}
    )


@dataclass(frozen=True)
class Chip:
    """A state as a page shows it: its number, its plain words, its colour (one of Tabler's)."""

    number: int | str
    words: Any
    tone: str = "secondary"


def chip_of(chips: Mapping[Any, Chip], state: Any) -> Chip:
    """The chip of a state; one that nobody has named is shown as it is."""
    return chips.get(state) or Chip("?", str(state))
