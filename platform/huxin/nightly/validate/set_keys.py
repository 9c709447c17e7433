"""The KEYS of every row, held until the last one is read: in memory, or for a huge file sealed in the spool.

A set check looks at the rows of one loan. So the keys of a huge file go into parts by loan, each checked by itself:
the memory is that of one part, however long the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Protocol

import polars as pl

from huxin.nightly import spool
from huxin.nightly.batching import LARGE
from huxin.nightly.spool import Spool
from huxin.registry.submissions import Submission
from huxin_checks.rules import joined

PART = 1_000_000  # rows of one part, more or less


class SetKeys(Protocol):
    """Keys go in batch by batch; `parts` gives them back, all rows of a loan in one part."""

    def __enter__(self) -> SetKeys: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def add(self, keys: pl.DataFrame) -> None: ...
    def parts(self) -> Iterator[pl.DataFrame]: ...


def set_keys(vault: Spool, numbered: dict[int, Submission]) -> SetKeys:
    """What holds the keys of a group: a group of many has short files only, and none is worth files of its own."""
    items = list(numbered.values())
    rows = items[0].record_count or 0
    return Held() if len(items) > 1 or rows < LARGE else Sealed(vault, items[0], rows // PART + 1)


class Held:
    """Keys in memory, 40 bytes a row, as one part."""

    def __init__(self) -> None:
        self._frames: list[pl.DataFrame] = []

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None: ...

    def add(self, keys: pl.DataFrame) -> None:
        self._frames.append(keys)

    def parts(self) -> Iterator[pl.DataFrame]:
        if self._frames:
            whole = joined(self._frames)
            self._frames.clear()
            yield whole


class Sealed:
    """Keys of one submission in the spool: hashes of identifiers too are sealed. To be read after the `with` block."""

    def __init__(self, vault: Spool, item: Submission, count: int) -> None:
        self._vault, self._item = vault, item
        self._stages = [f"{spool.SET_KEYS}-{number}" for number in range(count)]
        self._writers = [vault.frame_writer(item.id, stage) for stage in self._stages]

    def __enter__(self) -> Sealed:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._writers:
            (writer.abandon if kind else writer.close)()

    def add(self, keys: pl.DataFrame) -> None:
        numbers = (keys["loan"].fill_null(0) % len(self._writers)).alias("part")
        for (number,), part in keys.with_columns(numbers).partition_by("part", as_dict=True).items():
            self._writers[number].write(part.drop("part"))

    def parts(self) -> Iterator[pl.DataFrame]:
        for stage in self._stages:
            frames = list(self._vault.read_frames(self._item.id, stage))
            if frames:
                yield joined(frames)
