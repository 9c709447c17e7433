"""Tables that lead from tokens to random ids: what is known, what may be written, and keys as columns of numbers."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from huxin.registry.blocks import Blocks, blocks, from_column
from huxin.registry.bulk import STALE_KEYS, Bulk, BulkError

KEY = ["high", "low", "scheme"]


@dataclass(frozen=True)
class Directory:
    """A table of tokens: its name, and the column of the id that a token leads to.

    `rising` are ids that are given out in the order of the rows that name them first: what is written by these ids
    comes nearly in the order of its key, as it was read. They are as random as any: only who gets which is not.
    """

    table: str
    id: str
    rising: bool = False


SUBJECTS = Directory("alias", "subject_id", rising=True)
MOBILES = Directory("mobile_alias", "mobile_id")


def open_tables(bulk: Bulk) -> None:
    """The temporary tables that lookups go through; they outlive the transaction, empty."""
    bulk.run(
        "CREATE TEMPORARY TABLE asked (token uuid, scheme smallint) ON COMMIT DELETE ROWS",
        "CREATE TEMPORARY TABLE unclaimed (token uuid, scheme smallint, id uuid, claimed_at timestamptz) "
        "ON COMMIT DELETE ROWS",
    )


def require_open(bulk: Bulk, schemes: pl.Series) -> None:
    """Holds these schemes open until the commit. BulkError HX001 where one is closed: its tokens are out of date."""
    wanted = sorted(set(schemes.to_list()))
    if open_schemes(bulk, wanted) != set(wanted):
        raise BulkError(STALE_KEYS)


def open_schemes(bulk: Bulk, wanted: Iterable[int]) -> set[int]:
    """Those of the schemes that may be written under, held so until the commit."""
    numbers = ", ".join(str(int(each)) for each in wanted)
    ((found,),) = bulk.rows(f"SELECT schemes_open(ARRAY[{numbers}]::smallint[])")
    return set(found)


def propose(bulk: Bulk, directory: Directory, made: pl.DataFrame, now: datetime) -> None:
    """Writes these keys with their ids where they are not there yet; what was proposed stays in `unclaimed`."""
    bulk.run("TRUNCATE unclaimed")
    bulk.copy("unclaimed", claims(made, "id", now))
    # In the order in which an enquiry claims a person's several keys, so that none waits for the other.
    bulk.run(
        f"INSERT INTO {directory.table} (token, scheme, {directory.id}, claimed_at) "
        "SELECT token, scheme, id, claimed_at FROM unclaimed ORDER BY scheme, token ON CONFLICT DO NOTHING"
    )


def known_ids(bulk: Bulk, directory: Directory, wanted: pl.DataFrame) -> pl.DataFrame:
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


def claims(claimed: pl.DataFrame, id_name: str, now: datetime) -> pa.Table:
    """The rows of a directory for newly claimed tokens."""
    moment = pa.repeat(pa.scalar(now, pa.timestamp("us", tz="UTC")), claimed.height)
    token, made = to_bytes(claimed, "high", "low"), to_bytes(claimed, "id_high", "id_low")
    columns = [blocks(token), claimed["scheme"].to_arrow(), blocks(made), moment]
    return pa.table(columns, names=["token", "scheme", id_name, "claimed_at"])


def random_ids(count: int) -> dict[str, pl.Series]:
    """Version 4 UUIDs (RFC 9562, 5.4) as two columns of 64 bits."""
    high, low = np.frombuffer(os.urandom(16 * count), np.uint64).reshape(2, count)
    high = high & np.uint64(0xFFFF_FFFF_FFFF_0FFF) | np.uint64(0x4000)
    low = low & np.uint64(0x3FFF_FFFF_FFFF_FFFF) | np.uint64(0x8000_0000_0000_0000)
    return {"id_high": pl.Series(high), "id_low": pl.Series(low)}


def rising_ids(first: pl.Series) -> dict[str, pl.Series]:
    """Such UUIDs, the greater the later the row is (`first`, no two alike) where their key comes first."""
    ids = pl.DataFrame(random_ids(len(first))).sort("id_high", "id_low")
    places = np.empty(len(first), np.uint32)
    places[np.argsort(first.to_numpy(), kind="stable")] = np.arange(len(first), dtype=np.uint32)
    return {column.name: column.gather(places) for column in ids}


def keyed(tokens: Blocks, schemes: npt.NDArray[np.int16]) -> pl.DataFrame:
    """Tokens with their schemes as a frame: `high`, `low`, `scheme`."""
    high, low = halves_of(tokens)
    return pl.DataFrame({"high": high, "low": low, "scheme": pl.Series(schemes, dtype=pl.Int16)})


def known_also(
    rows: pl.DataFrame,
    number: int,
    keys: pl.DataFrame,
    present: npt.NDArray[np.bool_],
    renews: npt.NDArray[np.bool_],
) -> pl.DataFrame:
    """The same rows with other keys (as of `keyed`) that each may be known by, where it has any: `present`.

    `renews` says that the row's own key is of a later entry epoch, so that its alias is to follow where it is known.
    """
    there = pl.Series(present)
    columns = {f"{name}#{number}": pl.when(there).then(keys[name]) for name in KEY}
    return rows.with_columns(**columns, **{f"renews#{number}": pl.Series(renews)})


def several(rows: pl.DataFrame) -> list[int]:
    """The numbers of the other keys that rows have."""
    return [int(name.partition("#")[2]) for name in rows.columns if name.startswith("renews#")]


def halves_of(values: Blocks) -> tuple[pl.Series, pl.Series]:
    """16 bytes as two big-endian numbers, so that their order is that of the bytes."""
    words = np.ascontiguousarray(values).view(">u8").astype(np.uint64).reshape(-1, 2)
    return pl.Series(words[:, 0].copy()), pl.Series(words[:, 1].copy())


def to_bytes(frame: pl.DataFrame, high: str, low: str) -> Blocks:
    """The 16 bytes of two such numbers, zero where they are null."""
    words = frame.select(pl.col(high, low).fill_null(0)).to_numpy(order="c").astype(">u8")
    return np.ascontiguousarray(words).view(np.uint8).reshape(-1, 16)
