"""The RAW rows of a group's submissions, batch by batch: files are read in lanes, short ones parsed together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import numpy as np
import polars as pl

from huxin.contract import Contract
from huxin.nightly import spool
from huxin.nightly.ahead import ahead
from huxin.nightly.batching import Sizes, gathered, weight
from huxin.nightly.lanes import in_lanes
from huxin.nightly.spool import Spool
from huxin.registry.submissions import Submission
from huxin_checks.admission import Refusal
from huxin_checks.read import FileRefused, Short, open_rows, together
from huxin_checks.tally import Tally

Piece = tuple[int, "pl.DataFrame | Short"]  # the submission's number in its group, some of its rows


@dataclass(frozen=True)
class Group:
    """Received submissions of one contract by their numbers, and what is learnt of each."""

    vault: Spool
    numbered: dict[int, Submission]
    tallies: dict[int, Tally]
    contract: Contract


def batches(group: Group, size: Sizes) -> Iterator[pl.DataFrame]:
    """Every row of the group, in frames of about `size.batch` rows, with its submission's number as `_sub` (UInt32).

    A file that cannot be read is refused in its tally, and its rows end there.
    """
    pieces = in_lanes(list(group.numbered), partial(_pieces, group, size.piece), size.ahead, weight)
    frames = (_joined(group, held) for held in gathered(pieces, size.batch))
    several = len(group.numbered) > 1  # of one file the pieces are frames already
    return (frame for frame in (ahead(frames, 1) if several else frames) if frame.height)


def _pieces(group: Group, rows_each: int, sub: int) -> Iterator[Piece]:
    """The rows of one submission; a file that cannot be read ends them."""
    item = group.numbered[sub]
    try:
        with (
            group.vault.reader(item.id, spool.SOURCE) as source,
            open_rows(source, item.file, group.contract, rows_each) as rows,
        ):
            short = rows.short() if len(group.numbered) > 1 else None
            if short:
                yield sub, short
                return
            for raw in rows:
                yield sub, raw
    except FileRefused as refused:
        _refuse(group.tallies[sub], refused)


def _joined(group: Group, pieces: list[Piece]) -> pl.DataFrame:
    """One frame of all pieces."""
    frames: list[pl.DataFrame] = []
    subs: list[int] = []
    counts: list[int] = []
    for _, run in groupby(pieces, lambda piece: isinstance(piece[1], Short)):
        part = list(run)
        subs += [sub for sub, _ in part]
        shorts = [piece for _, piece in part if isinstance(piece, Short)]
        if not shorts:
            found = [piece for _, piece in part if isinstance(piece, pl.DataFrame)]
            frames += found
            counts += map(len, found)
            continue
        parsed = together(shorts, group.contract)
        for place, refused in parsed.faults.items():
            _refuse(group.tallies[part[place][0]], refused)
        frames += [parsed.frame] if parsed.frame.height else []
        counts += parsed.counts
    pieces.clear()  # whoever gave them holds the list
    numbers = pl.Series("_sub", np.repeat(np.array(subs, np.uint32), counts))
    whole = frames[0] if len(frames) == 1 else pl.concat(frames, rechunk=True) if frames else pl.DataFrame()
    return whole.with_columns(numbers) if frames else whole


def _refuse(tally: Tally, refused: FileRefused) -> None:
    tally.refuse(Refusal(refused.code, str(refused.facts.get("reason", ""))), **refused.facts)
