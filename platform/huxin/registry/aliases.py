"""Tokens to random ids, a subject's or a mobile's: one that is new is claimed an id, once, whoever comes first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from huxin.registry import also_known
from huxin.registry.blocks import Blocks
from huxin.registry.bulk import Bulk
from huxin.registry.directories import (
    KEY,
    MOBILES,
    SUBJECTS,
    Directory,
    claims,
    keyed,
    known_also,
    known_ids,
    open_tables,
    propose,
    random_ids,
    require_open,
    rising_ids,
    several,
    to_bytes,
)

__all__ = ["MOBILES", "SUBJECTS", "Found", "claim", "ids_of", "keyed", "known_also", "open_tables"]


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

    @property
    def rising(self) -> npt.NDArray[np.bool_]:
        """The rows with a fresh id that is not below those of the rows before."""
        words = self.ids[:, :8].copy().view(">u8")[:, 0].astype(np.uint64)
        words[~self.fresh] = 0
        found: npt.NDArray[np.bool_] = self.fresh & (words == np.maximum.accumulate(words))
        return found


def ids_of(
    bulk: Bulk,
    directory: Directory,
    rows: pl.DataFrame,
    claiming: npt.NDArray[np.bool_],
    now: datetime,
    contended: bool,
) -> Found:
    """Looks up the id of each row's token (columns as of `keyed` and `known_also`) in a directory.

    A new one is made where there is none and `claiming` says so; it is the caller's to write it (`claim`). With
    `contended` it is written here, if nobody else did so before, and read back. So it always is where rows may be
    known by several tokens (see registry.also_known).
    """
    if several(rows):
        return _written(also_known.ids_of(bulk, directory, rows, claiming, now))
    numbered = rows.select(KEY).with_row_index("first")
    wanted = numbered.unique(KEY, keep="first")
    known = known_ids(bulk, directory, wanted)
    if not claiming.all():
        wanted = numbered.filter(pl.Series(claiming)).unique(KEY, keep="first")
    new = (wanted.join(known, on=KEY, how="anti") if known.height else wanted).sort(KEY)
    ids = rising_ids(new["first"]) if directory.rising else random_ids(new.height)
    made = new.select(KEY).with_columns(**ids, fresh=pl.lit(True))
    if made.height:
        written = _agreed(bulk, directory, made, now) if contended else made
        known = pl.concat([known, written])
    found = rows.select(KEY).join(known, on=KEY, how="left", maintain_order="left")
    return _found(found, made.clear() if contended else made)


def _written(found: pl.DataFrame) -> Found:
    return _found(found, found.select(*KEY, "id_high", "id_low", "fresh").clear())


def _found(found: pl.DataFrame, unwritten: pl.DataFrame) -> Found:
    return Found(
        to_bytes(found, "id_high", "id_low"),
        found["id_high"].is_not_null().to_numpy(),
        found["fresh"].fill_null(False).to_numpy(),
        unwritten,
    )


def claim(bulk: Bulk, directory: Directory, unwritten: pl.DataFrame, now: datetime) -> None:
    """Writes what `ids_of` made, by COPY, in token order.

    COPY knows no conflict clause: a unique violation, when somebody else claimed the same token meanwhile, tells the
    caller to look up the whole once more with `contended`. BulkError HX001 when a key has been retired since.
    """
    if unwritten.height:
        require_open(bulk, unwritten["scheme"])
        bulk.copy(directory.table, claims(unwritten, directory.id, now))


def _agreed(bulk: Bulk, directory: Directory, made: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Claims these keys, of which somebody else may have made the id, and gives the ids that hold."""
    require_open(bulk, made["scheme"])
    propose(bulk, directory, made, now)
    return known_ids(bulk, directory, made.select(KEY))
