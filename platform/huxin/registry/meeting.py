"""Where those who come blind and those who come by an identifier become one subject (functions/blind_meeting.sql)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from huxin.errors import HuxinError
from huxin.registry.bulk import CONTENDED, STALE_KEYS
from huxin.registry.live import Live
from huxin.registry.session import connection
from huxin.registry.statement import BOOL, BYTESES, ID, INT2S, MOMENT, UUIDS, calling
from huxin.settings import Settings

Key = tuple[bytes, int]  # a token of 16 bytes and the number of its scheme

_MEET = calling(
    "blind_meet", (UUIDS, INT2S, UUIDS, INT2S, BYTESES, BOOL, MOMENT), (("subject", ID), ("split", BOOL))
)
_FOUND = """
    SELECT q.number FROM unnest(CAST(:numbers AS integer[]), CAST(:tokens AS uuid[]), CAST(:schemes AS smallint[]))
        AS q(number, token, scheme)
    JOIN alias a ON a.token = q.token AND a.scheme = q.scheme
"""
_MANY_KNOWN, _MANY_MET = text(_FOUND), text(_FOUND + " WHERE a.met")
# Everybody has the same number of tokens and of aliases, so that each one's are a slice of all.
_MANY_MEET = text("""
    WITH given AS MATERIALIZED (
        SELECT CAST(:tokens AS uuid[]) AS tokens, CAST(:schemes AS smallint[]) AS schemes,
            CAST(:elements AS uuid[]) AS elements, CAST(:element_schemes AS smallint[]) AS element_schemes,
            CAST(:sealed AS bytea[]) AS sealed, CAST(:claims AS boolean[]) AS claims)
    SELECT coalesce(sum(m.split::integer), 0) FROM given g
    CROSS JOIN LATERAL (SELECT i, i * :token_count AS t, i * :element_count AS e FROM generate_series(0, :last) i) p
    CROSS JOIN LATERAL blind_meet(g.tokens[t + 1 : t + :token_count], g.schemes[t + 1 : t + :token_count],
        g.elements[e + 1 : e + :element_count], g.element_schemes[e + 1 : e + :element_count],
        g.sealed[e + 1 : e + :element_count], g.claims[i + 1], CAST(:now AS timestamptz)) m
""")
_AT_ONCE: Final = 1_000
_REKEY = text("SELECT merges, loans, enquiries, reservations FROM subjects_rekey(CAST(:now AS timestamptz))")
_TRIES: Final = 4


@dataclass(frozen=True)
class Person:
    """The keys of one person: tokens of its identifier (none where it came blind), aliases of its element with the
    element sealed for each; the active ones first. `claim` makes it known where nobody knows it."""

    tokens: Sequence[Key] = field(repr=False)
    elements: Sequence[Key] = field(repr=False)
    sealed: Sequence[bytes] = field(repr=False)
    claim: bool = True


@dataclass(frozen=True)
class Rekeyed:
    """What of merged subjects was given to those that they were found to be."""

    merges: int
    loans: int
    enquiries: int
    reservations: int


def meet(live: Live, person: Person, now: datetime) -> tuple[UUID | None, bool]:
    """The person's subject, and whether two were found to be it: then `rekey` is due. HuxinError H1601 (keys)."""
    values = (*_pair(person.tokens), *_pair(person.elements), person.sealed, person.claim, now)
    found = live.call(_MEET, values)
    assert found is not None
    return found[0], bool(found[1])


def many_met(database: Connection, keys: Sequence[tuple[int, bytes, int]]) -> set[int]:
    """Of (number, token, scheme) the numbers whose element is known."""
    return set(database.scalars(_MANY_MET, _numbered(keys)))


def many_known(database: Connection, keys: Sequence[tuple[int, bytes, int]]) -> set[int]:
    """Of (number, token, scheme) the numbers whose key leads to a subject."""
    return set(database.scalars(_MANY_KNOWN, _numbered(keys)))


def many_meet(settings: Settings, persons: Sequence[Person], now: datetime) -> int:
    """`meet` for many, who have equally many keys each; how many of them were split. HuxinError H1601 (keys).

    In the order of their aliases, so that of two that do this at once one waits for the other and neither for both; an
    enquiry may still come between, and then a part is done once more.
    """
    ordered = sorted(persons, key=lambda each: each.elements[0])
    parts = (ordered[start : start + _AT_ONCE] for start in range(0, len(ordered), _AT_ONCE))
    return sum(_part_met(settings, _values(part, now)) for part in parts)


def _part_met(settings: Settings, values: dict[str, object]) -> int:
    for _ in range(_TRIES):
        try:
            with connection(settings) as database, _stale_keys_told():
                return _run(database, values)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in CONTENDED:
                raise
    raise HuxinError("H0501", sqlstate=CONTENDED[1])


def meet_within(database: Connection, persons: Sequence[Person], now: datetime) -> int:
    """`many_meet` in a transaction of the caller's, which has to be tried anew as a whole."""
    with _stale_keys_told():
        return _run(database, _values(persons, now)) if persons else 0


def rekey(settings: Settings) -> Rekeyed:
    """Gives what is on record of merged subjects to those that they were found to be; cheap where there are none."""
    with connection(settings) as database:
        return Rekeyed(*database.execute(_REKEY, {"now": settings.now()}).one())


def _run(database: Connection, values: dict[str, object]) -> int:
    return int(database.execute(_MANY_MEET, values).scalar_one())


@contextmanager
def _stale_keys_told() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == STALE_KEYS:
            raise HuxinError("H1601") from None
        raise


def _numbered(keys: Sequence[tuple[int, bytes, int]]) -> dict[str, object]:
    return {
        "numbers": [number for number, _, _ in keys],
        "tokens": [token.hex() for _, token, _ in keys],
        "schemes": [scheme for _, _, scheme in keys],
    }


def _values(persons: Sequence[Person], now: datetime) -> dict[str, object]:
    tokens = [key for each in persons for key in each.tokens]
    elements = [key for each in persons for key in each.elements]
    return {
        "tokens": [token.hex() for token, _ in tokens],
        "schemes": [scheme for _, scheme in tokens],
        "elements": [token.hex() for token, _ in elements],
        "element_schemes": [scheme for _, scheme in elements],
        "sealed": [sealed for each in persons for sealed in each.sealed],
        "claims": [each.claim for each in persons],
        "token_count": len(persons[0].tokens),
        "element_count": len(persons[0].elements),
        "last": len(persons) - 1,
        "now": now,
    }


def _pair(keys: Sequence[Key]) -> tuple[list[bytes], list[int]]:
    return [token for token, _ in keys], [scheme for _, scheme in keys]
