"""Honeytokens: numbers that nobody has, among those that somebody who tries one number after another comes by.

A number is drawn, becomes an alias like any other, and is forgotten: it is told to nobody and stands nowhere. Whoever
asks about it is answered as about anybody unknown; that it was asked raises an alarm.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from huxin.enquiry.elements import Elements
from huxin.enquiry.subject_keys import Keys, schemes_of
from huxin.errors import HuxinError
from huxin.oversight import honeytokens_entry
from huxin.registry import honeytokens, meeting
from huxin.registry.audit_acts import note_operator_act
from huxin.registry.blind import generations
from huxin.registry.schemes import scheme_ids
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin.zones.layout import zone_of
from huxin.zones.roles import ENTRY
from huxin_privacy.generations import Rings
from huxin_privacy.resident import PROVINCES, check_character

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST: Final = 1_000_000
# While numbers had two digits for the year, these order codes were kept for people over a hundred (GB 11643-1989):
# of those born in these years nobody was ever given one.
ORDER_CODES: Final = ("996", "997", "998", "999")
FIRST_BORN: Final = date(1940, 1, 1)
YOUNGEST: Final = 18  # years: nobody younger is lent to, so nobody younger is tried
# Where the registry has no loan yet to go by: counties of many people.
_ELSEWHERE: Final = ("110105", "310115", "440305", "330106", "510107", "420106", "120101", "500112")
_REGIONS: Final = 50
_BUNCH: Final = 5_000
_TYPE: Final = "resident_id"


@dataclass(frozen=True)
class Field:
    """Where numbers are drawn: regions of six digits, and the first and last day of birth."""

    regions: tuple[str, ...]
    born_from: date
    born_until: date

    def __post_init__(self) -> None:
        """HuxinError H1905 for a region that is none, or days in the wrong order."""
        good = [each for each in self.regions if len(each) == 6 and each.isascii() and each.isdigit()]
        if (
            not self.regions
            or good != list(self.regions)
            or not {int(each[:2]) for each in good} <= PROVINCES
        ):
            raise HuxinError("H1905")
        if not date(1800, 1, 1) <= self.born_from <= self.born_until:
            raise HuxinError("H1905")

    @property
    def room(self) -> int:
        """How many such numbers there are."""
        return len(self.regions) * ((self.born_until - self.born_from).days + 1) * len(ORDER_CODES)

    def draw(self) -> Iterator[str]:
        """Numbers at random, one after another, without end."""
        days = (self.born_until - self.born_from).days + 1
        while True:
            born = self.born_from + timedelta(days=secrets.randbelow(days))
            body = f"{secrets.choice(self.regions)}{born:%Y%m%d}{secrets.choice(ORDER_CODES)}"
            yield body + check_character(body)


def usual_field(settings: Settings, regions: Sequence[str] = ()) -> Field:
    """The given regions, or those that loans name; everybody who is of age and not yet very old. H1905."""
    chosen = tuple(regions) or tuple(named_regions(settings)) or _ELSEWHERE
    today = settings.today()
    return Field(chosen, FIRST_BORN, date(today.year - YOUNGEST, 1, 1))


def named_regions(settings: Settings) -> list[str]:
    """The regions that many loans name, as the registry knows them."""
    if zone_of(settings) == ENTRY:
        return honeytokens_entry.regions_there(settings)
    with connection(settings) as database:
        return honeytokens.regions(database, _REGIONS)


def make(settings: Settings, count: int, field: Field) -> int:
    """Makes so many more in one transaction, and notes the act; returns how many. On a split platform the entry zone
    draws them, and the registry zone takes them in bunches, each a transaction and an act.

    A number that leads to a subject already is left alone. HuxinError H1905 where the field has not twice the room,
    or more than MOST are asked for.
    """
    if not 0 < count <= MOST or field.room < 2 * count:
        raise HuxinError("H1905")
    drawn, numbers, made = set[str](), field.draw(), 0
    if zone_of(settings) is not None:
        maker = honeytokens_entry.Maker(settings)
        while made < count:
            wanted = min(_BUNCH, count - made)
            if len(drawn) + wanted > field.room:
                raise HuxinError("H1905")
            made += maker.make(list(_fresh(numbers, drawn, wanted)))
        return made
    with connection(settings) as database:
        numbers_of = partial(scheme_ids, database)
        rings = Rings.open(settings.keys_dir)
        keys = Keys(rings, numbers_of(schemes_of(rings)))
        elements = Elements.read(rings, generations(database), numbers_of)
        while made < count:
            wanted = min(_BUNCH, count - made)
            if len(drawn) + wanted > field.room:
                raise HuxinError("H1905")
            persons = [_person(keys, elements, number) for number in _fresh(numbers, drawn, wanted)]
            made += claim(settings, database, persons)
        note_operator_act(database, "honeytokens.made", {"count": made}, settings.now())
    return made


def drop(settings: Settings) -> int:
    """Takes all of them and notes the act; returns how many."""
    with connection(settings) as database:
        count = honeytokens.drop(database)
        note_operator_act(database, "honeytokens.dropped", {"count": count}, settings.now())
    return count


def _fresh(numbers: Iterator[str], drawn: set[str], count: int) -> Iterator[str]:
    """So many numbers that were not drawn before; marks them as drawn."""
    while count:
        number = next(numbers)
        if number not in drawn:
            drawn.add(number)
            count -= 1
            yield number


def claim(settings: Settings, database: Connection, persons: Sequence[meeting.Person]) -> int:
    """Makes those known whom nobody knows; how many. Under every usable pair of epochs a person may be known, and
    either way, where blind mode is on: who tries one number after another may come by elements."""
    found = [[*each.tokens, *each.elements] for each in persons]
    somebody: set[int] = set()
    for key in range(len(found[0])):
        tokens = [each[key][0] for each in found]
        somebody |= honeytokens.known_places(database, tokens, found[0][key][1])
    nobody = [each for place, each in enumerate(persons) if place not in somebody]
    if not nobody:
        return 0
    made = honeytokens.make(database, [each.tokens for each in nobody], settings.now())
    if nobody[0].elements:
        meeting.meet_within(database, nobody, settings.now())
    return made


def _person(keys: Keys, elements: Elements | None, number: str) -> meeting.Person:
    tokens = keys.tokens(_TYPE, number)
    known = None if elements is None else elements.known(elements.of(_TYPE, number))
    return meeting.Person(tokens, known.keys if known else (), known.sealed if known else ())
