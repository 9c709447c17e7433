"""Tokens to subjects: who is new is claimed a random subject_id, once, whoever comes first."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from huxin.registry.blocks import Blocks, blocks, from_column
from huxin.registry.bulk import Bulk

_KEY = ["high", "low", "scheme"]
_FOUND = """
    SELECT uuid_send(a.token) AS token, a.scheme, uuid_send(a.subject_id) AS subject_id
    FROM asked q JOIN alias a ON a.token = q.token AND a.scheme = q.scheme
"""


@dataclass(frozen=True)
class Subjects:
    """The subject of each row; `known` is false where the token has none and none was to be claimed."""

    ids: Blocks
    known: npt.NDArray[np.bool_]


def open_tables(bulk: Bulk) -> None:
    """The temporary tables that lookups go through."""
    bulk.run(
        "CREATE TEMPORARY TABLE asked (token uuid, scheme smallint) ON COMMIT DROP",
        "CREATE TEMPORARY TABLE unclaimed (LIKE alias) ON COMMIT DROP",
    )


def subjects_of(
    bulk: Bulk,
    tokens: Blocks,
    schemes: npt.NDArray[np.int16],
    claiming: npt.NDArray[np.bool_],
    now: datetime,
    contended: bool,
) -> Subjects:
    """Looks up the subject of each token, claiming a new one where there is none and `claiming` says so.

    New ones are written by COPY, in token order. COPY knows no conflict clause: a unique violation, when another
    load claimed the same token meanwhile, tells the caller to try the whole once more with `contended`.
    """
    rows = _keyed(tokens, schemes)
    known = _known(bulk, rows.unique())
    new = rows.filter(pl.Series(claiming)).unique().join(known, on=_KEY, how="anti").sort(_KEY)
    if new.height:
        claimed = new.with_columns(**_random_subjects(new.height))
        if contended:
            _claim_patiently(bulk, _claims(claimed, now))
            claimed = _known(bulk, new)
        else:
            bulk.copy("alias", _claims(claimed, now))
        known = pl.concat([known, claimed])
    found = rows.join(known, on=_KEY, how="left", maintain_order="left")
    present = found["subject_high"].is_not_null()
    return Subjects(_bytes(found, "subject_high", "subject_low"), present.to_numpy())


def _known(bulk: Bulk, wanted: pl.DataFrame) -> pl.DataFrame:
    """Of these keys those that have a subject, with it."""
    bulk.run("TRUNCATE asked")
    asked = [blocks(_bytes(wanted, "high", "low")), wanted["scheme"].to_arrow()]
    bulk.copy("asked", pa.table(asked, names=["token", "scheme"]), temporary=True)
    bulk.run("ANALYZE asked")
    found = bulk.rows(_FOUND)
    held = _keyed(from_column(found["token"]), found["scheme"].to_numpy().astype(np.int16))
    high, low = _halves(from_column(found["subject_id"]))
    return held.with_columns(subject_high=high, subject_low=low)


def _claim_patiently(bulk: Bulk, claims: pa.Table) -> None:
    bulk.run("TRUNCATE unclaimed")
    bulk.copy("unclaimed", claims, temporary=True)
    bulk.run("INSERT INTO alias SELECT * FROM unclaimed ORDER BY token, scheme ON CONFLICT DO NOTHING")


def _claims(claimed: pl.DataFrame, now: datetime) -> pa.Table:
    """The rows of `alias` for newly claimed tokens."""
    moment = pa.repeat(pa.scalar(now, pa.timestamp("us", tz="UTC")), claimed.height)
    token, subject = _bytes(claimed, "high", "low"), _bytes(claimed, "subject_high", "subject_low")
    columns = [blocks(token), claimed["scheme"].to_arrow(), blocks(subject), moment]
    return pa.table(columns, names=["token", "scheme", "subject_id", "claimed_at"])


def _random_subjects(count: int) -> dict[str, pl.Series]:
    """Version 4 UUIDs (RFC 9562, 5.4) as two columns of 64 bits."""
    high, low = np.frombuffer(os.urandom(16 * count), np.uint64).reshape(2, count)
    high = high & np.uint64(0xFFFF_FFFF_FFFF_0FFF) | np.uint64(0x4000)
    low = low & np.uint64(0x3FFF_FFFF_FFFF_FFFF) | np.uint64(0x8000_0000_0000_0000)
    return {"subject_high": pl.Series(high), "subject_low": pl.Series(low)}


def _keyed(tokens: Blocks, schemes: npt.NDArray[np.int16]) -> pl.DataFrame:
    high, low = _halves(tokens)
    return pl.DataFrame({"high": high, "low": low, "scheme": pl.Series(schemes, dtype=pl.Int16)})


def _halves(values: Blocks) -> tuple[pl.Series, pl.Series]:
    """16 bytes as two big-endian numbers, so that their order is that of the bytes."""
    words = np.ascontiguousarray(values).view(">u8").astype(np.uint64).reshape(-1, 2)
    return pl.Series(words[:, 0].copy()), pl.Series(words[:, 1].copy())


def _bytes(frame: pl.DataFrame, high: str, low: str) -> Blocks:
    words = frame.select(pl.col(high, low).fill_null(0)).to_numpy(order="c").astype(">u8")
    return np.ascontiguousarray(words).view(np.uint8).reshape(-1, 16)
