"""What a query or a form asks for: days, numbers, choices; what is none of these counts as not given."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from uuid import UUID

from flask import request

from huxin.settings import SHANGHAI


def text_of(name: str, most: int = 64) -> str | None:
    """A short text without blanks around it; None where there is none."""
    said = (request.form if request.method == "POST" else request.args).get(name, "").strip()
    return said[:most] or None


def day_of(name: str) -> date | None:
    """A day as a date field sends it."""
    try:
        return date.fromisoformat(text_of(name) or "")
    except ValueError:
        return None


def moment_of(name: str) -> datetime | None:
    """A moment of Shanghai as a datetime-local field sends it."""
    try:
        return datetime.fromisoformat(text_of(name) or "").replace(tzinfo=SHANGHAI)
    except ValueError:
        return None


def one_of(name: str, allowed: Iterable[str]) -> str | None:
    """One of these words."""
    said = text_of(name)
    return said if said in set(allowed) else None


def id_of(said: str | None) -> UUID | None:
    """A number of a row, as a cursor holds it."""
    try:
        return UUID(said or "")
    except ValueError:
        return None


def midnight(day: date) -> datetime:
    """The first moment of a day in Shanghai."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)


def month_before(until: date, days: int = 30) -> date:
    """The first of so many days that end with `until`."""
    return until - timedelta(days=days - 1)
