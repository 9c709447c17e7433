"""Honeytokens: aliases that lead to nobody. Their subjects are told apart in the registry's own tables alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

_REGIONS = text("""
    SELECT region FROM (SELECT region FROM loan WHERE region IS NOT NULL LIMIT 10000) few
    GROUP BY region ORDER BY count(*) DESC, region LIMIT :most
""")
_KNOWN = text("""
    SELECT w.place FROM unnest(CAST(:tokens AS uuid[])) WITH ORDINALITY AS w(token, place)
    JOIN alias a ON a.token = w.token AND a.scheme = :scheme
""")
# Whoever claimed a token meanwhile is somebody.
_MAKE = text("""
    WITH made AS (
        INSERT INTO alias (token, scheme, subject_id, claimed_at)
        SELECT w.token, :scheme, gen_random_uuid(), :now FROM unnest(CAST(:tokens AS uuid[])) AS w(token)
        ORDER BY w.token ON CONFLICT DO NOTHING RETURNING subject_id)
    INSERT INTO honeytoken (subject_id, made_at) SELECT subject_id, :now FROM made
""")
_COUNT = text("SELECT made_at, count(*) FROM honeytoken GROUP BY made_at ORDER BY made_at")
_DROP = text("""
    WITH gone AS (DELETE FROM honeytoken RETURNING subject_id),
    unclaimed AS (DELETE FROM alias a USING gone g WHERE a.subject_id = g.subject_id)
    SELECT count(*) FROM gone
""")


def regions(connection: Connection, most: int) -> list[str]:
    """The regions that many loans name: there the numbers are that somebody would try. Six digits each, or empty."""
    return list(connection.execute(_REGIONS, {"most": most}).scalars())


def known_places(connection: Connection, tokens: Sequence[bytes], scheme: int) -> set[int]:
    """Of these tokens the places (from 0) of those that lead to a subject already."""
    values = {"tokens": [token.hex() for token in tokens], "scheme": scheme}
    return {place - 1 for place in connection.execute(_KNOWN, values).scalars()}


def make(connection: Connection, tokens: Sequence[bytes], scheme: int, now: datetime) -> int:
    """Claims a subject of nobody for each of these tokens, less those that are somebody's. Returns how many."""
    values = {"tokens": [token.hex() for token in tokens], "scheme": scheme, "now": now}
    return connection.execute(_MAKE, values).rowcount


def counts(connection: Connection) -> list[tuple[datetime, int]]:
    """(when they were made, how many), the oldest first."""
    return [(row[0], row[1]) for row in connection.execute(_COUNT)]


def drop(connection: Connection) -> int:
    """Takes all of them, aliases included; returns how many. What was asked about them stays on record."""
    return int(connection.execute(_DROP).scalar_one())
