"""Pages of long tables by cursor: the last row's key, never an offset that reads what it skips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask import request

Row = TypeVar("Row")
SIZE = 50


@dataclass(frozen=True)
class Page(Generic[Row]):
    """One page of rows; `after` is the cursor of the next, None where there is no more."""

    rows: Sequence[Row]
    after: str | None
    first: bool


@dataclass(frozen=True)
class Column:
    """A heading; `key` where the table can be sorted by it (?sort=key, ?sort=-key for the other way)."""

    label: Any
    key: str | None = None
    numeric: bool = False


def cursor() -> str | None:
    """Where the page asked for begins; None for the first."""
    return request.args.get("after") or None


def page_of(rows: Sequence[Row], key: Callable[[Row], str], size: int = SIZE) -> Page[Row]:
    """A page of what was read with one row too many: whether that one is there tells whether there is more."""
    shown = rows[:size]
    return Page(shown, key(shown[-1]) if len(rows) > size else None, cursor() is None)


def sort_by(allowed: Sequence[str], default: str) -> tuple[str, bool]:
    """(column, descending) as asked for, if it is one of `allowed`."""
    asked = request.args.get("sort") or default
    name = asked.lstrip("-")
    return (
        (name, asked.startswith("-")) if name in allowed else (default.lstrip("-"), default.startswith("-"))
    )
