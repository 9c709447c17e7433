"""Persons and mobiles that may be known by several tokens, while a key of either zone is being exchanged.

The rules are those of functions/enquiry_gather.sql, for many at once: whoever is known by any key is known; whoever is
by none is claimed under all keys that are open; who is known by an earlier entry key follows to the present one.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from huxin.registry.bulk import STALE_KEYS, Bulk, BulkError
from huxin.registry.directories import (
    KEY,
    Directory,
    claims,
    known_ids,
    open_schemes,
    propose,
    random_ids,
    several,
)

_ID = ["id_high", "id_low"]


def ids_of(
    bulk: Bulk, directory: Directory, rows: pl.DataFrame, claiming: npt.NDArray[np.bool_], now: datetime
) -> pl.DataFrame:
    """KEY, `id_high`, `id_low` (null for nobody) and `fresh` of each row, everything claimed being written."""
    numbers = several(rows)
    rows = rows.with_columns(claiming=pl.Series(claiming))
    found = _looked_up(bulk, directory, rows, numbers)
    writable = _writable(bulk, found, numbers)
    new = found.filter(pl.col("id_high").is_null() & pl.col("claiming")).unique(KEY, maintain_order=True)
    if new.height:
        found = _claimed(bulk, directory, found, new, numbers, writable, now)
    _follow(bulk, directory, found, numbers, writable, now)
    return found.select(*KEY, *_ID, "fresh")


def _looked_up(bulk: Bulk, directory: Directory, rows: pl.DataFrame, numbers: list[int]) -> pl.DataFrame:
    """The rows with the id that any of their keys has; `own` where the row's own key has it.

    The own keys come last: an alias that is re-encrypted in between leaves an earlier key for the own one.
    """
    found = rows.with_columns(
        id_high=pl.lit(None, pl.UInt64),
        id_low=pl.lit(None, pl.UInt64),
        fresh=pl.lit(False),
        earlier=pl.lit(False),
    )
    for number in numbers:
        met = _met(bulk, directory, rows.select(_named(number)))
        known = met["id_high"].is_not_null()
        found = found.with_columns(
            *(pl.when(known).then(met[name]).otherwise(pl.col(name)).alias(name) for name in _ID),
            earlier=pl.col("earlier") | (known & pl.col(f"renews#{number}")),
        )
    met = _met(bulk, directory, rows.select(KEY))
    known = met["id_high"].is_not_null()
    return found.with_columns(
        *(pl.when(known).then(met[name]).otherwise(pl.col(name)).alias(name) for name in _ID), own=known
    )


def _met(bulk: Bulk, directory: Directory, keys: pl.DataFrame) -> pl.DataFrame:
    """The id of each key, null where it is null or leads to nobody."""
    wanted = keys.drop_nulls().unique()
    if not wanted.height:
        return keys.with_columns(id_high=pl.lit(None, pl.UInt64), id_low=pl.lit(None, pl.UInt64))
    known = known_ids(bulk, directory, wanted).select(*KEY, *_ID)
    return keys.join(known, on=KEY, how="left", maintain_order="left")


def _named(number: int) -> list[pl.Expr]:
    return [pl.col(f"{name}#{number}").alias(name) for name in KEY]


def _writable(bulk: Bulk, found: pl.DataFrame, numbers: list[int]) -> set[int]:
    """The schemes that may be written under, held open. BulkError HX001 when the rows' own are not among them."""
    own = set(found["scheme"].to_list())
    others = {each for number in numbers for each in found[f"scheme#{number}"].drop_nulls().to_list()}
    writable = open_schemes(bulk, sorted(own | others)) if own else set()
    if not own <= writable:
        raise BulkError(STALE_KEYS)
    return writable


def _claimed(
    bulk: Bulk,
    directory: Directory,
    found: pl.DataFrame,
    new: pl.DataFrame,
    numbers: list[int],
    writable: set[int],
    now: datetime,
) -> pl.DataFrame:
    """The rows with the ids of whom nobody knew: made here, or by whoever was quicker with one of their keys."""
    made = _one_each(new, numbers, writable)
    propose(bulk, directory, _all_keys(made, numbers, writable), now)
    bulk.run(_WHOEVER_CAME_FIRST.format(table=directory.table, id=directory.id))
    held = known_ids(bulk, directory, made.select(KEY)).select(*KEY, *_ID)
    settled = made.select(*KEY, made_high="id_high", made_low="id_low").join(held, on=KEY, how="inner")
    settled = settled.with_columns(
        now_fresh=(pl.col("id_high") == pl.col("made_high")) & (pl.col("id_low") == pl.col("made_low"))
    ).select(*KEY, now_high="id_high", now_low="id_low", now_fresh="now_fresh")
    joined = found.join(settled, on=KEY, how="left", maintain_order="left")
    return joined.with_columns(
        id_high=pl.coalesce("id_high", "now_high"),
        id_low=pl.coalesce("id_low", "now_low"),
        fresh=pl.col("fresh") | pl.col("now_fresh").fill_null(False),
        own=pl.col("own") | pl.col("now_high").is_not_null(),
    ).drop("now_high", "now_low", "now_fresh")


def _one_each(new: pl.DataFrame, numbers: list[int], writable: set[int]) -> pl.DataFrame:
    """The rows with random ids, the same for rows with a key in common: those of one person under different own keys.

    So they are where submissions of before and after an exchange are loaded together.
    """
    ids = random_ids(new.height)
    rows = new.with_columns(**ids).with_row_index("row")
    keys = _keys(rows, numbers, writable, ["row"]).with_columns(one=pl.col("row"))
    while True:
        met = keys.with_columns(one=pl.col("one").min().over(KEY)).with_columns(
            one=pl.col("one").min().over("row")
        )
        if met["one"].equals(keys["one"]):
            break
        keys = met
    one = keys.select("row", "one").unique().sort("row")["one"]
    return rows.drop("row").with_columns(**{name: ids[name].gather(one) for name in _ID})


# What was proposed here, and who stands in its place under any of the same person's keys.
_WHOEVER_CAME_FIRST = """
    WITH first AS (
        SELECT u.id, (array_agg(a.{id} ORDER BY a.{id}))[1] AS found
        FROM unclaimed u JOIN {table} a USING (token, scheme) WHERE a.{id} <> u.id GROUP BY u.id)
    UPDATE {table} a SET {id} = f.found FROM unclaimed u JOIN first f USING (id)
    WHERE a.token = u.token AND a.scheme = u.scheme AND a.{id} = u.id
"""


def _follow(
    bulk: Bulk,
    directory: Directory,
    found: pl.DataFrame,
    numbers: list[int],
    writable: set[int],
    now: datetime,
) -> None:
    """Gives those who are known by an earlier entry key an alias under the present one, and takes closed ones away."""
    followed = found.filter(pl.col("earlier") & pl.col("claiming") & pl.col("id_high").is_not_null())
    if not followed.height:
        return
    propose(bulk, directory, _all_keys(followed.filter(~pl.col("own")), numbers, writable), now)
    parts = [
        followed.filter(pl.col(f"renews#{number}") & ~pl.col(f"scheme#{number}").is_in(list(writable)))
        .select(*_named(number), *_ID)
        .drop_nulls()
        for number in numbers
    ]
    left = pl.concat(parts).unique()
    if left.height:
        bulk.run("TRUNCATE unclaimed")
        bulk.copy("unclaimed", claims(left, "id", now))
        bulk.run(
            f"DELETE FROM {directory.table} a USING unclaimed u "
            f"WHERE a.token = u.token AND a.scheme = u.scheme AND a.{directory.id} = u.id"
        )


def _all_keys(rows: pl.DataFrame, numbers: list[int], writable: set[int]) -> pl.DataFrame:
    """KEY and id of each row's own key and of its other ones that may be written under."""
    return _keys(rows, numbers, writable, _ID).unique(KEY).sort(KEY)


def _keys(rows: pl.DataFrame, numbers: list[int], writable: set[int], others: list[str]) -> pl.DataFrame:
    """KEY and the columns `others`, once for each of these keys."""
    parts = [rows.select(*KEY, *others)]
    for number in numbers:
        parts.append(rows.select(*_named(number), *others).filter(pl.col("scheme").is_in(list(writable))))
    return pl.concat(parts).drop_nulls()
