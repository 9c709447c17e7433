"""Many small submissions in one batch: frames are gathered to a good size, worked on together, and split again.

A thousand files of a thousand rows must not cost a thousand times the overhead of one step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import polars as pl
import pyarrow as pa

from huxin.registry.submissions import Submission

LARGE = 3_000_000  # rows from which a group is worked on with less in memory at a time

_FEW = 8  # batches that cost less as they are than a copy of them

Rows = TypeVar("Rows", bound=Sized)


@dataclass(frozen=True)
class Sizes:
    """Rows of one batch, of a piece of it as it is read, of what a lane reads ahead, and of a portion of a load."""

    batch: int
    piece: int
    ahead: int
    portion: int


USUAL = Sizes(
    batch=150_000, piece=200_000, ahead=200_000, portion=1_000_000
)  # enough to drown the overhead of a step
FEWER = Sizes(
    batch=50_000, piece=25_000, ahead=25_000, portion=150_000
)  # a seventh slower; a whole night below 1 GiB


def sizes(items: Iterable[Submission]) -> Sizes:
    """How much of these submissions is worked on at a time."""
    return USUAL if sum(item.record_count or 0 for item in items) < LARGE else FEWER


def weight(piece: tuple[int, Sized]) -> int:
    """How many rows a piece has."""
    return len(piece[1])


def gathered(pieces: Iterable[tuple[int, Rows]], rows: int) -> Iterator[list[tuple[int, Rows]]]:
    """Lists of consecutive pieces that hold at least `rows` rows together (the last may hold fewer)."""
    held: list[tuple[int, Rows]] = []
    count = 0
    for piece in pieces:
        held.append(piece)
        count += weight(piece)
        del piece  # the next one is read while the list is worked on: nothing here may hold what that let go
        if count >= rows:
            count = 0
            yield _emptied(held)
    if held:
        yield _emptied(held)


def _emptied(held: list[tuple[int, Rows]]) -> list[tuple[int, Rows]]:
    """What was gathered, which is the taker's alone from now on."""
    whole = held[:]
    held.clear()
    return whole


def joined_batches(pieces: list[tuple[int, pa.RecordBatch]]) -> pl.DataFrame:
    """One frame of all batches, with the submission's number as column `_sub` (UInt32).

    Brought into it together, for each alone costs as much as a thousand rows; so does each chunk of a column.
    """
    table = pa.Table.from_batches([batch for _, batch in pieces])
    if len(pieces) > _FEW:
        table = table.combine_chunks()
    whole = pl.DataFrame(pl.from_arrow(table))
    subs = np.repeat([sub for sub, _ in pieces], [len(rows) for _, rows in pieces])
    return whole.with_columns(pl.Series("_sub", subs.astype(np.uint32)))


def runs(frame: pl.DataFrame) -> Iterator[tuple[int, int, int]]:
    """(submission's number, first row, rows) of each run of one `_sub`; each number stands in one run."""
    start = 0
    for length, sub in frame["_sub"].rle().struct.unnest().iter_rows():
        yield sub, start, length
        start += length
