"""One stage of one submission after another, sealed into the spool."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType

import pyarrow as pa

from huxin.nightly.spool import ArrowWriter, Spool
from huxin.registry.submissions import Submission

Run = tuple[int, int, int]  # a submission's number in its group, its first row in a table, how many


class StageWriter:
    """Writes the rows of one stage, which come in the order of the submissions' numbers, into a file each.

    In a `with` block; an exception drops the file that is being written. A submission without a table gets none.
    """

    def __init__(self, vault: Spool, numbered: dict[int, Submission], stage: str) -> None:
        self._vault, self._numbered, self._stage = vault, numbered, stage
        self._open: tuple[int, ArrowWriter] | None = None

    def __enter__(self) -> StageWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close(abandon=kind is not None)

    def write_all(self, runs: Iterable[Run], table: pa.Table) -> None:
        """Seals a table's rows, each run of them as its submission's."""
        for sub, start, length in runs:
            self.write(sub, table.slice(start, length))

    def write(self, sub: int, rows: pa.Table) -> None:
        """Seals rows of one submission."""
        if self._open is None or self._open[0] != sub:
            self._close()
            self._open = sub, self._vault.frame_writer(self._numbered[sub].id, self._stage)
        self._open[1].write_table(rows)

    def _close(self, abandon: bool = False) -> None:
        if self._open is not None:
            (self._open[1].abandon if abandon else self._open[1].close)()
            self._open = None
