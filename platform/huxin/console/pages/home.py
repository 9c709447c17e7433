"""The first page: what there is to do, the most urgent first. Other pages add to it by their own `what_waits`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, current_app, render_template
from flask_babel import lazy_gettext as _l

from huxin.console import pages
from huxin.console.access import may
from huxin.console.pages import Entry
from huxin.console.visitor import someone
from huxin.registry.people import Person

blueprint = Blueprint("home", __name__)
MENU = (Entry("home.show", _l("待办"), icon="home", order=0),)


@dataclass(frozen=True)
class Todo:
    """Something that waits: how many, in which words, where it is done; `tone` is one of Tabler's colours."""

    number: int
    words: Any
    address: str
    tone: str = "orange"


# A page that has something to do brings `what_waits`: a function of the person that gives what waits for him.
Waiting = Callable[[Person], Iterator[Todo]]


@blueprint.get("/")
def show() -> str:
    """What waits for this person, by page."""
    person = someone()
    found = [todo for module in pages.modules() for todo in _of(module, person)]
    waiting = [todo for todo in found if todo.number]
    return render_template("home.html", waiting=waiting, quiet=[todo for todo in found if not todo.number])


def _of(module: Any, person: Person) -> Iterator[Todo]:
    made: Waiting | None = getattr(module, "what_waits", None)
    return made(person) if made is not None and _opens(module, person) else iter(())


def _opens(module: Any, person: Person) -> bool:
    """Whether the person may open the page at all: the first line of its menu says where that is."""
    entries: tuple[Entry, ...] = getattr(module, "MENU", ())
    rules = (next(current_app.url_map.iter_rules(entry.endpoint)).rule for entry in entries[:1])
    return all(may(person.role, "GET", rule) for rule in rules)
