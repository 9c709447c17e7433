"""Token schemes: which suite, identifier type and key generations a token was made with, as a small number.

A scheme is open, closed (only looked up) or gone (its keys are destroyed); see functions/schemes.sql.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Final

from sqlalchemy import Connection, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from huxin.registry.tables import token_scheme

Scheme = tuple[str, str, int, int]  # suite, identifier type, entry epoch, registry epoch

FIRST: Final = ("S256", "name", 1, 1)  # of name marks that name no scheme
_LOCKS: Final = 1801812339  # "keys" in ASCII, as in functions/schemes.sql
_PLACES = {"entry": 2, "registry": 3}


class State(IntEnum):
    """What may be done under a scheme."""

    OPEN = 1
    CLOSED = 2
    GONE = 3


def scheme_ids(connection: Connection, schemes: Sequence[Scheme]) -> dict[Scheme, int]:
    """The number of each scheme; those not yet known are given the next free ones."""
    known = all_numbers(connection)
    missing = [scheme for scheme in schemes if scheme not in known]
    if missing:
        connection.execute(text("LOCK TABLE token_scheme IN SHARE ROW EXCLUSIVE MODE"))
        for scheme in missing:
            _add(connection, scheme)
        known = all_numbers(connection)
    return {scheme: known[scheme] for scheme in schemes}


def all_numbers(connection: Connection) -> dict[Scheme, int]:
    """The number of every scheme there ever was: none is given twice."""
    t = token_scheme.c
    rows = connection.execute(select(t.suite, t.id_type, t.entry_epoch, t.registry_epoch, t.id))
    return {(row[0], row[1], row[2], row[3]): row[4] for row in rows}


def scheme_states(connection: Connection) -> dict[Scheme, State]:
    """Every scheme there ever was, with what may be done under it."""
    t = token_scheme.c
    rows = connection.execute(select(t.suite, t.id_type, t.entry_epoch, t.registry_epoch, t.state))
    return {(row[0], row[1], row[2], row[3]): State(row[4]) for row in rows}


def of_epoch(connection: Connection, zone: str, epoch: int) -> dict[Scheme, int]:
    """The schemes made with an epoch of zone "entry" or "registry"."""
    place = _PLACES[zone]
    return {scheme: number for scheme, number in all_numbers(connection).items() if scheme[place] == epoch}


def put_in_force(connection: Connection, schemes: Iterable[Scheme]) -> None:
    """From now on whoever asks with one of these brings all those of its type along, or is not served."""
    numbers = scheme_ids(connection, list(schemes))
    by_type: dict[str, list[int]] = {}
    for scheme, number in numbers.items():
        by_type.setdefault(scheme[1], []).append(number)
    for together in by_type.values():
        connection.execute(
            token_scheme.update().where(token_scheme.c.id.in_(together)).values(beside=sorted(together))
        )


def close(connection: Connection, numbers: Sequence[int]) -> bool:
    """Lets nothing more be made under these schemes; False, and nothing done, while somebody is at it."""
    free = text(
        "SELECT bool_and(pg_try_advisory_xact_lock(:locks, n)) FROM unnest(CAST(:numbers AS integer[])) n"
    )
    if not numbers or not connection.execute(free, {"locks": _LOCKS, "numbers": list(numbers)}).scalar():
        return not numbers
    _set(connection, numbers, State.CLOSED)
    return True


def bury(connection: Connection, numbers: Sequence[int]) -> None:
    """Says that the keys of these schemes are destroyed: what was made with them compares with nothing."""
    _set(connection, numbers, State.GONE)


def states(connection: Connection, numbers: Sequence[int]) -> dict[int, State]:
    """What may be done under each."""
    t = token_scheme.c
    found = connection.execute(select(t.id, t.state).where(t.id.in_(list(numbers))))
    return {number: State(state) for number, state in found}


def _set(connection: Connection, numbers: Sequence[int], state: State) -> None:
    connection.execute(
        token_scheme.update().where(token_scheme.c.id.in_(list(numbers))).values(state=int(state))
    )


def _add(connection: Connection, scheme: Scheme) -> None:
    free = connection.execute(select(func.coalesce(func.max(token_scheme.c.id), 0) + 1)).scalar_one()
    names = ("suite", "id_type", "entry_epoch", "registry_epoch")
    values = dict(zip(names, scheme, strict=True)) | {"id": free}
    connection.execute(upsert(token_scheme).values(values).on_conflict_do_nothing())
