"""Aliases of elements taken under another key of either zone, batch by batch; what is left is still to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, text

from huxin import faults
from huxin.errors import HuxinError
from huxin.registry.blind import Generation, Standing
from huxin.registry.session import connection
from huxin.registry.tables_blind import oprf_generation
from huxin.settings import Settings

BATCH: Final = 2_000

_LEFT = text("""
    SELECT a.token, e.sealed FROM alias a LEFT JOIN alias_element e USING (token, scheme)
    WHERE a.scheme = :scheme LIMIT :batch
""")
_TURN = text("""
    SELECT moved, split FROM blind_turn(CAST(:tokens AS uuid[]), CAST(:scheme AS smallint), CAST(:turned AS uuid[]),
        CAST(:turned_scheme AS smallint), CAST(:sealed AS bytea[]), CAST(:now AS timestamptz))
""")


@dataclass(frozen=True)
class Turn:
    """Aliases under `scheme` go to `target`; `turned` gives alias and sealed element there, of those here."""

    scheme: int
    target: int
    turned: Callable[[bytes, bytes], tuple[bytes, bytes]] = field(repr=False)


def turn(settings: Settings, turns: Sequence[Turn], tell: Callable[[int], None]) -> tuple[int, int]:
    """Turns every alias of the closed schemes; `tell` gets each batch's. Returns how many were turned, and split.

    A process that is killed has done whole batches, and goes on when it is run again. HuxinError H1807 when an alias
    has no element beside it, which is left as it is.
    """
    moved = split = 0
    for each in turns:
        while True:
            with connection(settings) as database:
                done, halves = _batch(database, each, settings)
            faults.reach("rekey.moved")
            if not done:
                break
            tell(done)
            moved, split = moved + done, split + halves
    return moved, split


def _batch(database: Connection, each: Turn, settings: Settings) -> tuple[int, int]:
    rows = database.execute(_LEFT, {"scheme": each.scheme, "batch": BATCH}).all()
    if not rows:
        return 0, 0
    if any(row.sealed is None for row in rows):
        raise HuxinError("H1807", scheme=each.scheme)
    made = [each.turned(row.token.bytes, bytes(row.sealed)) for row in rows]
    values = {
        "tokens": [str(row.token) for row in rows],
        "scheme": each.scheme,
        "turned": [alias.hex() for alias, _ in made],
        "turned_scheme": each.target,
        "sealed": [sealed for _, sealed in made],
        "now": settings.now(),
    }
    found = database.execute(_TURN, values).one()
    return int(found.moved), int(found.split)


def replace_present(database: Connection, new: Generation, settings: Settings) -> None:
    """Makes another generation of the OPRF key the present one; the one before is good for elements made before."""
    now, t = settings.now(), oprf_generation
    earlier = t.update().where(t.c.state == Standing.PRESENT)
    database.execute(earlier.values(state=Standing.EARLIER, changed_at=now))
    values = {"epoch": new.epoch, "public": new.public, "state": Standing.PRESENT, "step": new.step}
    database.execute(t.insert().values({**values, "published_at": now, "changed_at": now}))
