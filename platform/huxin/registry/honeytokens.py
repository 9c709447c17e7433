"""Honeytokens: aliases that lead to nobody. Their subjects are told apart in the registry's own tables alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from huxin.registry.gathering import Key

_REGIONS = text("""
    SELECT region FROM (SELECT region FROM loan WHERE region IS NOT NULL LIMIT 10000) few
    GROUP BY region ORDER BY count(*) DESC, region LIMIT :most
""")
_KNOWN = text("""
    SELECT w.place FROM unnest(CAST(:tokens AS uuid[])) WITH ORDINALITY AS w(token, place)
    JOIN alias a ON a.token = w.token AND a.scheme = :scheme
""")
_CLAIM = text("""
    SELECT subject_of(CAST(w.tokens AS uuid[]), CAST(:schemes AS smallint[]), true, :now)
    FROM unnest(CAST(:tokens AS text[])) AS w(tokens)
""")
# Whoever claimed a token meanwhile is somebody: what was claimed here bears this very moment.
_MAKE = text("""
    INSERT INTO honeytoken (subject_id, made_at)
    SELECT a.subject_id, :now FROM unnest(CAST(:tokens AS uuid[]), CAST(:subjects AS uuid[])) AS w(token, subject_id)
    JOIN alias a ON a.token = w.token AND a.scheme = :scheme AND a.subject_id = w.subject_id AND a.claimed_at = :now
    ON CONFLICT DO NOTHING
""")
_COUNT = text("SELECT made_at, count(*) FROM honeytoken GROUP BY made_at ORDER BY made_at")
_DROP = text("""
    WITH gone AS (DELETE FROM honeytoken RETURNING subject_id),
    unclaimed AS (DELETE FROM alias a USING gone g WHERE a.subject_id = g.subject_id RETURNING a.token, a.scheme),
    unsealed AS (DELETE FROM alias_element e USING unclaimed u WHERE e.token = u.token AND e.scheme = u.scheme)
    SELECT count(*) FROM gone
""")


def regions(connection: Connection, most: int) -> list[str]:
    """The regions that many loans name: there the numbers are that somebody would try. Six digits each, or empty."""
    return list(connection.execute(_REGIONS, {"most": most}).scalars())


def known_places(connection: Connection, tokens: Sequence[bytes], scheme: int) -> set[int]:
    """Of these tokens the places (from 0) of those that lead to a subject already."""
    values = {"tokens": [token.hex() for token in tokens], "scheme": scheme}
    return {place - 1 for place in connection.execute(_KNOWN, values).scalars()}


def make(connection: Connection, wanted: Sequence[Sequence[Key]], now: datetime) -> int:
    """Claims a subject of nobody for each of these lists of keys, less those that are somebody's. Returns how many.

    Each list is of the same schemes, the active one first.
    """
    schemes = [scheme for _, scheme in wanted[0]]
    arrays = ["{" + ",".join(token.hex() for token, _ in keys) + "}" for keys in wanted]
    claimed = connection.execute(_CLAIM, {"tokens": arrays, "schemes": schemes, "now": now}).scalars().all()
    values = {
        "tokens": [keys[0][0].hex() for keys in wanted],
        "subjects": list(claimed),
        "scheme": schemes[0],
    }
    return connection.execute(_MAKE, values | {"now": now}).rowcount


def counts(connection: Connection) -> list[tuple[datetime, int]]:
    """(when they were made, how many), the oldest first."""
    return [(row[0], row[1]) for row in connection.execute(_COUNT)]


def drop(connection: Connection) -> int:
    """Takes all of them, aliases included; returns how many. What was asked about them stays on record."""
    return int(connection.execute(_DROP).scalar_one())
