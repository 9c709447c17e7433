"""Short CSV files of one layout, parsed together: a thousand rows alone cost three times as much as among others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import polars as pl
from numpy.typing import NDArray

from huxin_checks.contract import Contract
from huxin_checks.read.blocks import Dialect, most_rows, parse, squared_frame
from huxin_checks.read.frames import RawFrames, raw_schema
from huxin_checks.read.layout import Layout
from huxin_checks.read.refused import FileRefused

SHORT = 1 << 20
"""Bytes of text up to which a file is short; in a longer one its own rows drown what parsing costs by itself."""

_MOST = 16 << 20


@dataclass(frozen=True)
class Short:
    """All of a short file behind its header: whole lines without a quote, `rows` of them; the first is `line`."""

    layout: Layout
    text: bytes = field(repr=False)
    line: int
    rows: int

    def __len__(self) -> int:
        return self.rows

    @property
    def dialect(self) -> Dialect:
        return Dialect(self.layout.delimiter, len(self.layout.headers))


@dataclass(frozen=True)
class Together:
    """The RAW rows of some files, one after another: how many each has, and by place what refuses a file."""

    frame: pl.DataFrame
    counts: list[int]
    faults: dict[int, FileRefused]


def together(shorts: Sequence[Short], contract: Contract) -> Together:
    """The RAW rows of these files, exactly as each would give them by itself (records count from 1 in each)."""
    frames: list[pl.DataFrame] = []
    counts: list[int] = []
    faults: dict[int, FileRefused] = {}
    for part in _alike(shorts):
        for found in _found(part, contract):
            if isinstance(found, FileRefused):
                faults[len(counts)] = found
                counts.append(0)
                continue
            frames.append(found[0])
            counts += found[1]
    whole = pl.concat(frames, rechunk=True) if frames else pl.DataFrame()
    return Together(whole, counts, faults)


def _alike(shorts: Sequence[Short]) -> Iterator[list[Short]]:
    """Neighbours of one layout, as many as one parse can bear."""
    held: list[Short] = []
    text = rows = 0
    for _, part in groupby(shorts, lambda each: (each.dialect, each.layout.headers, each.layout.fields)):
        for each in part:
            text, rows = text + len(each.text), rows + each.rows
            if held and (text > _MOST or rows > most_rows(each.dialect)):
                yield held
                held, text, rows = [], len(each.text), each.rows
            held.append(each)
        yield held
        held, text, rows = [], 0, 0


def _found(shorts: list[Short], contract: Contract) -> Iterator[tuple[pl.DataFrame, list[int]] | FileRefused]:
    """The rows of all of them; where that fails, or a line went astray, of each by itself."""
    try:
        found = _parsed(shorts, contract)
    except FileRefused as refused:
        found, fault = None, refused
    if found is not None:
        yield found
    elif len(shorts) == 1:
        yield fault
    else:
        for each in shorts:
            yield from _found([each], contract)


def _parsed(shorts: list[Short], contract: Contract) -> tuple[pl.DataFrame, list[int]] | None:
    """None where the rows of several files do not add up to their lines."""
    first = shorts[0]
    cells = parse(b"".join(each.text for each in shorts), first.dialect, final=True).cells
    sizes = [each.rows for each in shorts] if len(shorts) > 1 else [cells.height]
    if cells.height != sum(sizes):
        return None
    raw = RawFrames(first.layout, contract).build(cells, np.arange(cells.height, dtype=np.uint32))
    return _counted_by_file(raw, shorts, np.cumsum([0, *sizes]))


def _counted_by_file(
    raw: pl.DataFrame, shorts: list[Short], begins: NDArray[np.int64]
) -> tuple[pl.DataFrame, list[int]]:
    """`_record` and `_line` as each file has them; so far they count through all. `begins`: each one's first line."""
    through = raw["_line"].to_numpy().astype(np.int64)
    places = np.searchsorted(through, begins)  # blank rows are gone
    counts = np.diff(places)
    lines = through + np.repeat(np.array([each.line for each in shorts]) - begins[:-1], counts)
    records = np.arange(1, len(through) + 1) - np.repeat(places[:-1], counts)
    numbers = {"_record": records, "_line": lines}
    own = [pl.Series(name, values.astype(np.uint32)) for name, values in numbers.items()]
    return raw.with_columns(own), counts.tolist()


@dataclass(frozen=True)
class Picked:
    """Some records of a CSV, cell by cell: their numbers and their lines in the source, parallel to the rows."""

    layout: Layout
    rows: list[list[str]] = field(repr=False)
    records: NDArray[np.uint32]
    lines: NDArray[np.uint32]


def picked_together(picked: Sequence[Picked], contract: Contract) -> pl.DataFrame:
    """The RAW rows of what was picked out of some files, one after another."""
    frames = []
    for _, part in groupby(picked, lambda each: (each.layout.headers, each.layout.fields)):
        same = list(part)
        layout = same[0].layout
        cells = squared_frame([row for each in same for row in each.rows], len(layout.headers))
        lines = np.concatenate([each.lines for each in same]).astype(np.uint32)
        frame = RawFrames(layout, contract, skip_blank=False).build(cells, lines)
        records = np.concatenate([each.records for each in same]).astype(np.uint32)
        frames.append(frame.with_columns(pl.Series("_record", records)))
    return pl.concat(frames, rechunk=True) if frames else pl.DataFrame(schema=raw_schema(contract))
