"""Single records of CSV text by the line they begin at, without parsing what lies between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from huxin_checks.read.records import split_records
from huxin_checks.read.source import MAX_LINE

_LF = 10


class Picked(NamedTuple):
    """Cells of the records that were whole; `begin` is where the first unfinished one begins, None without one."""

    rows: list[list[str]]
    begin: int | None


def pick(block: bytes, delimiter: str, at: NDArray[np.int64], *, final: bool) -> Picked:
    """The records that begin at these lines (0 = the block's first, ascending), cell by cell.

    A record whose end lies behind the block ends the search: the caller goes on from `begin` with more text.
    """
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == _LF) + 1
    starts = np.concatenate(([0], ends))
    rows: list[list[str]] = []
    for line in at:
        found = next(_tries(block, starts, int(line), delimiter, final), None)
        if found is None:
            return Picked(rows, int(starts[line]))
        rows.append(found)
    return Picked(rows, None)


def _tries(
    block: bytes, starts: NDArray[np.int64], line: int, delimiter: str, final: bool
) -> Iterator[list[str]]:
    """The record's cells from its own line alone, or, where a quote holds a line break, from what follows too."""
    begin = int(starts[line])
    stop = int(starts[line + 1]) if line + 1 < len(starts) else len(block)
    for end in (stop, min(begin + 2 * MAX_LINE, len(block))):
        text = block[begin:end].decode("utf-8", "ignore")
        found = split_records(text, delimiter, final=final and end == len(block), limit=1)
        yield from found.rows
