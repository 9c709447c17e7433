"""Which subjects a mobile number was given for: the pairs that the night adds to those of the enquiries."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
import pyarrow as pa

from huxin.registry.aliases import MOBILES, claim, ids_of
from huxin.registry.blocks import Blocks, blocks
from huxin.registry.bulk import Bulk
from huxin.registry.directories import halves_of, to_bytes

_PAIR = ["mobile_high", "mobile_low", "subject_high", "subject_low"]


def open_tables(bulk: Bulk) -> None:
    """The temporary table that pairs go through where some may be there already; it outlives the transaction, empty."""
    bulk.run("CREATE TEMPORARY TABLE met (LIKE mobile_subject) ON COMMIT DELETE ROWS")


def calling(bulk: Bulk, begin: int, end: int) -> pa.Table:
    """Of the resolved rows with begin <= ord < end those whose mobile is not the one last given for their party.

    Columns: `ord`, `subject_id` (16 bytes).
    """
    return bulk.table(
        f"SELECT ord, subject_id FROM resolved WHERE calls AND ord >= {int(begin)} AND ord < {int(end)}",
        {"ord": "int4", "subject_id": "uuid"},
    )


def given(keys: pl.DataFrame, subjects: Blocks) -> pl.DataFrame:
    """That a mobile (its keys, as of `aliases.keyed`) was given for a subject: each word of it once, for `pair`."""
    high, low = halves_of(subjects)
    words = ["high", "low", "scheme", "subject_high", "subject_low"]
    return keys.with_columns(subject_high=high, subject_low=low).unique(words)


def pair(bulk: Bulk, rows: pl.DataFrame, now: datetime, contended: bool) -> None:
    """Adds the pairs that are not there yet; a token that nobody knows is claimed a mobile_id of its own.

    A mobile that is new has no pairs, so its own are written by COPY, in the order of their key.
    A unique violation, when another load claimed the same token meanwhile, is as in `aliases.claim`.
    """
    if not rows.height:
        return
    found = ids_of(bulk, MOBILES, rows, np.ones(rows.height, np.bool_), now, contended)
    claim(bulk, MOBILES, found.unwritten, now)
    high, low = halves_of(found.ids)
    pairs = rows.select(
        mobile_high=high, mobile_low=low, subject_high="subject_high", subject_low="subject_low"
    )
    fresh = pl.Series(found.fresh)
    if fresh.any():
        bulk.copy("mobile_subject", _table(pairs.filter(fresh), now))
    if not fresh.all():
        bulk.run("TRUNCATE met")
        bulk.copy("met", _table(pairs.filter(~fresh), now))
        bulk.run(
            "INSERT INTO mobile_subject (mobile_id, subject_id, met_at) SELECT mobile_id, subject_id, met_at "
            "FROM met ORDER BY mobile_id, subject_id ON CONFLICT DO NOTHING"
        )


def _table(pairs: pl.DataFrame, now: datetime) -> pa.Table:
    ordered = pairs.sort(_PAIR)
    mobile = to_bytes(ordered, "mobile_high", "mobile_low")
    subject = to_bytes(ordered, "subject_high", "subject_low")
    moment = pa.repeat(pa.scalar(now, pa.timestamp("us", tz="UTC")), pairs.height)
    return pa.table([blocks(mobile), blocks(subject), moment], names=["mobile_id", "subject_id", "met_at"])
