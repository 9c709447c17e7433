"""Tokens to subjects: who is new is claimed a random subject_id, once, whoever comes first."""

from __future__ import annotations

from huxin.registry.bulk import Bulk

_NEW = """
    SELECT DISTINCT i.token, i.scheme FROM incoming i
    WHERE NOT i.deletes AND NOT EXISTS (
        SELECT 1 FROM alias a WHERE a.token = i.token AND a.scheme = i.scheme)
"""


def claim(bulk: Bulk, contended: bool) -> None:
    """Claims a subject for every incoming token that has none, in token order so that claimers never deadlock.

    Without contention a plain INSERT is half again as fast; a unique violation then tells the caller to try
    once more with `contended`.
    """
    on_conflict = "ON CONFLICT DO NOTHING" if contended else ""
    bulk.run(
        f"""
        INSERT INTO alias (token, scheme, subject_id, claimed_at)
        SELECT token, scheme, gen_random_uuid(), (SELECT max(recorded_at) FROM batch)
        FROM ({_NEW}) new ORDER BY token, scheme {on_conflict}
        """
    )
