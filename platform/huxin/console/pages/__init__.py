"""The console's pages. Each module here brings `blueprint`, and may bring `MENU` entries and `ACTS` for two people."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import Any

from flask import Flask, current_app, url_for

from huxin.console.access import may


@dataclass(frozen=True)
class Entry:
    """A line of the menu: where it leads, its words (lazily translated), its icon, its place among the others."""

    endpoint: str
    label: Any
    icon: str
    order: int


@lru_cache(maxsize=1)
def modules() -> tuple[ModuleType, ...]:
    """All pages by name."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__))
    return tuple(import_module(f"{__name__}.{name}") for name in names)


def register(app: Flask) -> None:
    """Adds every page to the app."""
    for module in modules():
        app.register_blueprint(module.blueprint)


def menu(role: str) -> Iterator[tuple[Entry, str]]:
    """The entries that a role may open, with their addresses."""
    entries = [entry for module in modules() for entry in getattr(module, "MENU", ())]
    for entry in sorted(entries, key=lambda each: each.order):
        rule = next(current_app.url_map.iter_rules(entry.endpoint)).rule
        if may(role, "GET", rule):
            yield entry, url_for(entry.endpoint)


def here(menu: Sequence[tuple[Entry, str]], path: str) -> str | None:
    """The endpoint of the menu's line that a page belongs to: whose address is the longest that its own begins with."""
    within = [(len(address), entry.endpoint) for entry, address in menu if _within(path, address)]
    return max(within, default=(0, None))[1]


def _within(path: str, address: str) -> bool:
    return path == address or (path.startswith(f"{address.rstrip('/')}/") and address != "/")
