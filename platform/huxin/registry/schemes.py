"""Token schemes: which suite, identifier type and key generations a token was made with, as a small number."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from huxin.registry.tables import token_scheme

Scheme = tuple[str, str, int, int]  # suite, identifier type, entry epoch, registry epoch


def scheme_ids(connection: Connection, schemes: list[Scheme]) -> dict[Scheme, int]:
    """The number of each scheme; those not yet known are given the next free ones."""
    known = _known(connection)
    missing = [scheme for scheme in schemes if scheme not in known]
    if missing:
        connection.execute(text("LOCK TABLE token_scheme IN SHARE ROW EXCLUSIVE MODE"))
        for scheme in missing:
            _add(connection, scheme)
        known = _known(connection)
    return {scheme: known[scheme] for scheme in schemes}


def _known(connection: Connection) -> dict[Scheme, int]:
    t = token_scheme.c
    rows = connection.execute(select(t.suite, t.id_type, t.entry_epoch, t.registry_epoch, t.id))
    return {(row[0], row[1], row[2], row[3]): row[4] for row in rows}


def _add(connection: Connection, scheme: Scheme) -> None:
    free = connection.execute(select(func.coalesce(func.max(token_scheme.c.id), 0) + 1)).scalar_one()
    names = ("suite", "id_type", "entry_epoch", "registry_epoch")
    values = dict(zip(names, scheme, strict=True)) | {"id": free}
    connection.execute(upsert(token_scheme).values(values).on_conflict_do_nothing())
