"""The second pass: original rows that only the set checks reject, and their loans' others, into the quarantine."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import polars as pl
import pyarrow as pa

from huxin.nightly import spool
from huxin.nightly.batching import gathered
from huxin.nightly.lanes import in_lanes
from huxin.nightly.spool import arrow_of
from huxin.nightly.validate.reading import Group
from huxin_checks.read import Picked, picked_at, picked_together

_ROWS = 5_000  # gathered before they are laid out: a file's few rows alone cost as much as a thousand

# What a set check rejected is in the one, the good rows of a loan that has a rejected one in the other.
_STAGES = (spool.QUARANTINE_SET, spool.COMPANIONS)


class _Cells:
    """Picked cells with their weight, as `gathered` asks for it."""

    def __init__(self, cells: Picked | pl.DataFrame) -> None:
        self.cells = cells

    def __len__(self) -> int:
        return len(self.cells.rows) if isinstance(self.cells, Picked) else self.cells.height


def seal_held_back(group: Group) -> None:
    """Seals the original rows that were unknown when they passed by, and the numbers of those that are rejected."""
    tallies = group.tallies
    held = [sub for sub, tally in tallies.items() if not tally.refusal and tally.held_back()[0].size]
    for part in gathered(in_lanes(held, partial(_picked, group), _ROWS, lambda piece: len(piece[1])), _ROWS):
        _seal(group, [(sub, each.cells) for sub, each in part])
    for sub in held:
        if tallies[sub].set_rejected.size:
            numbers = pa.table({"_record": pa.array(tallies[sub].set_rejected)})
            with group.vault.frame_writer(group.numbered[sub].id, spool.DROPPED) as sealed:
                sealed.write_table(numbers)


def _picked(group: Group, sub: int) -> Iterator[tuple[int, _Cells]]:
    item = group.numbered[sub]
    with group.vault.reader(item.id, spool.SOURCE) as source:
        yield (
            sub,
            _Cells(picked_at(source, item.file, group.contract, *group.tallies[sub].held_back())),
        )


def _seal(group: Group, parts: list[tuple[int, Picked | pl.DataFrame]]) -> None:
    """Each submission's rows to its two stages; laid out and turned into Arrow together."""
    cells = [part for _, part in parts if isinstance(part, Picked)]
    frames = [part for _, part in parts if isinstance(part, pl.DataFrame)]
    # Those of CSV come first, whatever lay between them.
    subs = [sub for kind in (Picked, pl.DataFrame) for sub, part in parts if isinstance(part, kind)]
    raw = pl.concat([picked_together(cells, group.contract), *frames])
    counts = [*(len(part.rows) for part in cells), *(frame.height for frame in frames)]
    records = raw["_record"].to_numpy()
    table, begin = arrow_of(raw.rechunk()), 0
    for sub, count in zip(subs, counts, strict=True):
        own = records[begin : begin + count]
        tally = group.tallies[sub]
        for stage, wanted in zip(_STAGES, (tally.set_rejected, tally.companions), strict=True):
            if wanted.size:
                places = begin + np.flatnonzero(np.isin(own, wanted))
                with group.vault.frame_writer(group.numbered[sub].id, stage) as sealed:
                    sealed.write_table(table.take(pa.array(places)))
        begin += count
