"""Tokens to random ids, a subject's or a mobile's: one that is new is claimed an id, once, whoever comes first."""

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


@dataclass(frozen=True)
class Directory:
    """A table of tokens: its name, and the column of the id that a token leads to."""

    table: str
    id: str


SUBJECTS = Directory("alias", "subject_id")
MOBILES = Directory("mobile_alias", "mobile_id")


@dataclass(frozen=True)
class Found:
    """The id of each row's token; `known` is false where there is none and none was to be claimed.

    `fresh` is true where the id was made just now, so that nobody else can have written of it. `unwritten` are the
    tokens with such ids, in their order, that stand in no table before `claim`.
    """

    ids: Blocks
    known: npt.NDArray[np.bool_]
    fresh: npt.NDArray[np.bool_]
    unwritten: pl.DataFrame


def open_tables(bulk: Bulk) -> None:
    """The temporary tables that lookups go through; they outlive the transaction, empty."""
    bulk.run(
        "CREATE TEMPORARY TABLE asked (token uuid, scheme smallint) ON COMMIT DELETE ROWS",
        "CREATE TEMPORARY TABLE unclaimed (token uuid, scheme smallint, id uuid, claimed_at timestamptz) "
        "ON COMMIT DELETE ROWS",
    )


def subjects_of(
    bulk: Bulk,
    tokens: Blocks,
    schemes: npt.NDArray[np.int16],
    claiming: npt.NDArray[np.bool_],
    now: datetime,
    contended: bool,
) -> Found:
    """Looks up the subject of each token, making a new one where there is none and `claiming` says so."""
    return ids_of(bulk, SUBJECTS, keyed(tokens, schemes), claiming, now, contended)


def ids_of(
    bulk: Bulk,
    directory: Directory,
    rows: pl.DataFrame,
    claiming: npt.NDArray[np.bool_],
    now: datetime,
    contended: bool,
) -> Found:
    """Looks up the id of each row's token (columns `high`, `low`, `scheme`, as of `keyed`) in a directory.

    A new one is made where there is none and `claiming` says so; it is the caller's to write it (`claim`). With
    `contended` it is written here, if nobody else did so before, and read back.
    """
    wanted = rows.select(_KEY).unique()
    known = _known(bulk, directory, wanted)
    if not claiming.all():
        wanted = rows.filter(pl.Series(claiming)).select(_KEY).unique()
    new = (wanted.join(known, on=_KEY, how="anti") if known.height else wanted).sort(_KEY)
    made = new.with_columns(**_random_ids(new.height), fresh=pl.lit(True))
    if made.height:
        written = _agreed(bulk, directory, made, now) if contended else made
        known = pl.concat([known, written])
    found = rows.select(_KEY).join(known, on=_KEY, how="left", maintain_order="left")
    return Found(
        to_bytes(found, "id_high", "id_low"),
        found["id_high"].is_not_null().to_numpy(),
        found["fresh"].fill_null(False).to_numpy(),
        made.clear() if contended else made,
    )


def claim(bulk: Bulk, directory: Directory, unwritten: pl.DataFrame, now: datetime) -> None:
    """Writes what `ids_of` made, by COPY, in token order.

    COPY knows no conflict clause: a unique violation, when somebody else claimed the same token meanwhile, tells the
    caller to look up the whole once more with `contended`.
    """
    if unwritten.height:
        bulk.copy(directory.table, _claims(unwritten, directory.id, now))


def _agreed(bulk: Bulk, directory: Directory, made: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Claims these keys, of which somebody else may have made the id, and gives the ids that hold."""
    bulk.run("TRUNCATE unclaimed")
    bulk.copy("unclaimed", _claims(made, "id", now))
    bulk.run(
        f"INSERT INTO {directory.table} (token, scheme, {directory.id}, claimed_at) "
        "SELECT token, scheme, id, claimed_at FROM unclaimed ORDER BY token, scheme ON CONFLICT DO NOTHING"
    )
    return _known(bulk, directory, made.select(_KEY))


def _known(bulk: Bulk, directory: Directory, wanted: pl.DataFrame) -> pl.DataFrame:
    """Of these keys those that have an id, with it; and maybe others.

    The smaller of the two sides goes to the other: the keys to the server, or a directory of no more rows to us.
    """
    source = directory.table
    if _holds_more(bulk, directory, wanted.height):
        bulk.run("TRUNCATE asked")
        asked = [blocks(to_bytes(wanted, "high", "low")), wanted["scheme"].to_arrow()]
        bulk.copy("asked", pa.table(asked, names=["token", "scheme"]))
        bulk.run("ANALYZE asked")
        source = f"asked w JOIN {source} a USING (token, scheme)"
    found = bulk.table(
        f"SELECT token, scheme, {directory.id} AS id FROM {source}",
        {"token": "uuid", "scheme": "int2", "id": "uuid"},
    )
    held = keyed(from_column(found["token"]), found["scheme"].to_numpy())
    high, low = halves_of(from_column(found["id"]))
    return held.with_columns(id_high=high, id_low=low, fresh=pl.lit(False))


def _holds_more(bulk: Bulk, directory: Directory, rows: int) -> bool:
    ((found,),) = bulk.rows(f"SELECT count(*) FROM (SELECT FROM {directory.table} LIMIT {int(rows) + 1}) few")
    return int(found) > rows


def _claims(claimed: pl.DataFrame, id_name: str, now: datetime) -> pa.Table:
    """The rows of a directory for newly claimed tokens."""
    moment = pa.repeat(pa.scalar(now, pa.timestamp("us", tz="UTC")), claimed.height)
    token, made = to_bytes(claimed, "high", "low"), to_bytes(claimed, "id_high", "id_low")
    columns = [blocks(token), claimed["scheme"].to_arrow(), blocks(made), moment]
    return pa.table(columns, names=["token", "scheme", id_name, "claimed_at"])


def _random_ids(count: int) -> dict[str, pl.Series]:
    """Version 4 UUIDs (RFC 9562, 5.4) as two columns of 64 bits."""
    high, low = np.frombuffer(os.urandom(16 * count), np.uint64).reshape(2, count)
    high = high & np.uint64(0xFFFF_FFFF_FFFF_0FFF) | np.uint64(0x4000)
    low = low & np.uint64(0x3FFF_FFFF_FFFF_FFFF) | np.uint64(0x8000_0000_0000_0000)
    return {"id_high": pl.Series(high), "id_low": pl.Series(low)}


def keyed(tokens: Blocks, schemes: npt.NDArray[np.int16]) -> pl.DataFrame:
    """Tokens with their schemes as a frame: `high`, `low`, `scheme`."""
    high, low = halves_of(tokens)
    return pl.DataFrame({"high": high, "low": low, "scheme": pl.Series(schemes, dtype=pl.Int16)})


def halves_of(values: Blocks) -> tuple[pl.Series, pl.Series]:
    """16 bytes as two big-endian numbers, so that their order is that of the bytes."""
    words = np.ascontiguousarray(values).view(">u8").astype(np.uint64).reshape(-1, 2)
    return pl.Series(words[:, 0].copy()), pl.Series(words[:, 1].copy())


def to_bytes(frame: pl.DataFrame, high: str, low: str) -> Blocks:
    """The 16 bytes of two such numbers, zero where they are null."""
    words = frame.select(pl.col(high, low).fill_null(0)).to_numpy(order="c").astype(">u8")
    return np.ascontiguousarray(words).view(np.uint8).reshape(-1, 16)
