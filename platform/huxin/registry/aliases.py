"""Tokens to subjects: who is new is claimed a random subject_id, once, whoever comes first."""

from __future__ import annotations

import os
from datetime import datetime

import numpy as np
import pyarrow as pa

from huxin.registry.blocks import blocks, from_column
from huxin.registry.bulk import Bulk

_NEW = """
    SELECT DISTINCT i.token, i.scheme FROM incoming i
    WHERE NOT i.deletes AND NOT EXISTS (
        SELECT 1 FROM alias a WHERE a.token = i.token AND a.scheme = i.scheme)
"""
_FEW = 20_000  # so few are claimed by one statement; more by COPY, which writes them in half the time


def claim(bulk: Bulk, now: datetime, contended: bool) -> None:
    """Claims a subject for every incoming token that has none, in token order so that claimers never deadlock.

    COPY knows no conflict clause: a unique violation, when another claimed the same token meanwhile, tells the
    caller to try once more with `contended`.
    """
    bulk.run(f"CREATE TEMPORARY TABLE unclaimed ON COMMIT DROP AS {_NEW}")
    count = bulk.rows("SELECT count(*) AS n FROM unclaimed")["n"][0].as_py()
    if contended or count <= _FEW:
        bulk.run("""
            INSERT INTO alias (token, scheme, subject_id, claimed_at)
            SELECT token, scheme, gen_random_uuid(), (SELECT max(recorded_at) FROM batch)
            FROM unclaimed ORDER BY token, scheme ON CONFLICT DO NOTHING
            """)
    elif count:
        found = bulk.rows("SELECT uuid_send(token) AS token, scheme FROM unclaimed ORDER BY token, scheme")
        bulk.copy("alias", _claims(found, now))


def _claims(found: pa.Table, now: datetime) -> pa.Table:
    """The rows of `alias` for new tokens, each with a random subject (a version 4 UUID, RFC 9562)."""
    count = found.num_rows
    subjects = np.frombuffer(os.urandom(16 * count), np.uint8).reshape(count, 16).copy()
    subjects[:, 6] = subjects[:, 6] & 0x0F | 0x40
    subjects[:, 8] = subjects[:, 8] & 0x3F | 0x80
    moment = pa.repeat(pa.scalar(now, pa.timestamp("us", tz="UTC")), count)
    names = ["token", "scheme", "subject_id", "claimed_at"]
    return pa.table(
        [blocks(from_column(found["token"])), found["scheme"], blocks(subjects), moment], names=names
    )
