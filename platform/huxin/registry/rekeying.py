"""Aliases re-encrypted under another registry key, batch by batch, while lookups try both and nothing else stops.

A batch is one transaction: its old rows go and the new ones come, so in every snapshot each token stands under one of
the two keys, and a process that is killed leaves whole batches. What is done needs no note: old rows are what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huxin import faults
from huxin.errors import HuxinError
from huxin.registry.blocks import Blocks, blocks, from_column
from huxin.registry.bulk import Bulk, BulkError, bulk
from huxin.registry.directories import Directory
from huxin.settings import Settings

# Heap pages of one batch: some hundred thousand rows, a second's work.
PAGES: Final = 2_000
_EPOCH_MICROSECONDS: Final = 946_684_800_000_000  # PostgreSQL counts from 2000, Arrow from 1970
_UNIQUE: Final = "23505"
_CLAIMED: Final = pa.timestamp("us", tz="UTC")
_COPIED: Final = "token, scheme, {id}, claimed_at"


@dataclass(frozen=True)
class Turn:
    """Where the tokens of a scheme go: the scheme's number, and what turns them ((n, 16) in and out)."""

    scheme: int
    turned: Callable[[Blocks], Blocks] = field(repr=False)


Turns = Mapping[int, Turn]


def count(session: Bulk, directory: Directory, schemes: list[int]) -> int:
    """How many aliases stand under these schemes."""
    ((found,),) = session.rows(f"SELECT count(*) FROM {directory.table} WHERE scheme = ANY({array(schemes)})")
    return int(found)


def rekey(
    settings: Settings, directory: Directory, turns: Turns, tell: Callable[[int], None], pages: int = PAGES
) -> int:
    """Re-encrypts every alias under one of the schemes of `turns`; `tell` gets each batch's rows. Returns how many.

    The schemes are closed and everybody knows it, so none comes behind. HuxinError H1608 when a token leads to one
    subject under the old and to another under the new key, which is left as it is.
    """
    total = 0
    with bulk(settings) as session:
        session.run(f"CREATE TEMPORARY TABLE moving (LIKE {directory.table}) ON COMMIT DELETE ROWS")
        session.commit()
        while True:
            moved = sum(_batches(session, directory, turns, tell, pages))
            total += moved
            if not moved and not count(session, directory, list(turns)):
                return total


def _batches(
    session: Bulk, directory: Directory, turns: Turns, tell: Callable[[int], None], pages: int
) -> Iterator[int]:
    """One pass over the table as it lies now, some pages at a time: what is written meanwhile is new."""
    ((size,),) = session.rows(
        f"SELECT pg_relation_size('{directory.table}') / current_setting('block_size')::int"
    )
    session.commit()
    for first in range(0, int(size), pages):
        moved = _batch(session, directory, turns, first, first + pages)
        session.commit()
        faults.reach("rekey.moved")
        if moved:
            tell(moved)
        yield moved


def _batch(session: Bulk, directory: Directory, turns: Turns, first: int, last: int) -> int:
    gone = session.table(
        f"DELETE FROM {directory.table} WHERE ctid >= '({first},0)' AND ctid < '({last},0)' "
        f"AND scheme = ANY({array(list(turns))}) RETURNING token, scheme, {directory.id} AS id, claimed_at",
        {"token": "uuid", "scheme": "int2", "id": "uuid", "claimed_at": "timestamptz"},
    )
    if gone.num_rows:
        _arrive(session, directory, _turned(gone, turns, directory))
    return len(gone)


def _turned(gone: pa.Table, turns: Turns, directory: Directory) -> pa.Table:
    """The same aliases under the other key, in the order of their tokens, which is that of the table's key."""
    tokens, schemes = from_column(gone["token"]).copy(), gone["scheme"].to_numpy().copy()
    for number in np.unique(schemes):
        rows = np.flatnonzero(schemes == number)
        tokens[rows] = turns[int(number)].turned(tokens[rows])
        schemes[rows] = turns[int(number)].scheme
    order = token_order(tokens)
    moments = gone["claimed_at"].to_numpy()[order] + _EPOCH_MICROSECONDS
    return pa.table(
        {
            "token": blocks(tokens[order]),
            "scheme": pa.array(schemes[order]),
            directory.id: blocks(from_column(gone["id"])[order]),
            "claimed_at": pa.array(moments, _CLAIMED),
        }
    )


def _arrive(session: Bulk, directory: Directory, coming: pa.Table) -> None:
    """Writes them; who was claimed while both keys were in use stands there already, and has to be the same."""
    session.run("SAVEPOINT coming")
    try:
        session.copy(directory.table, coming)
    except BulkError as error:
        if error.sqlstate != _UNIQUE:
            raise
        session.run("ROLLBACK TO SAVEPOINT coming")
        _arrive_among(session, directory, coming)
    session.run("RELEASE SAVEPOINT coming")


def _arrive_among(session: Bulk, directory: Directory, coming: pa.Table) -> None:
    session.copy("moving", coming)
    columns = _COPIED.format(id=directory.id)
    session.run(
        f"INSERT INTO {directory.table} ({columns}) SELECT {columns} FROM moving ORDER BY token, scheme "
        "ON CONFLICT DO NOTHING"
    )
    ((split,),) = session.rows(
        f"SELECT count(*) FROM moving m JOIN {directory.table} a USING (token, scheme) "
        f"WHERE a.{directory.id} <> m.{directory.id}"
    )
    if split:
        raise HuxinError("H1608", count=split, table=directory.table)
    session.run("TRUNCATE moving")


def token_order(tokens: Blocks) -> npt.NDArray[np.int64]:
    """The places of tokens in their byte order; by the first eight bytes, which are as random as the whole."""
    first = np.ascontiguousarray(tokens[:, :8]).view(">u8")[:, 0].astype(np.uint64)
    return np.argsort(first)


def array(numbers: list[int]) -> str:
    """Schemes' numbers as SQL has them."""
    return f"ARRAY[{', '.join(str(int(each)) for each in numbers)}]::smallint[]"
