"""Where judged rows go: good ones to the sealed spool, rejected ones to the sealed quarantine."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType

import polars as pl

from huxin.contract import load_contract
from huxin.nightly import spool
from huxin.nightly.batching import runs
from huxin.nightly.spool import ArrowWriter, Spool, arrow_of
from huxin.registry.submissions import Submission
from huxin_checks.rows import Judged, named_loan


class Sinks:
    """Writers of one submission after another; rows come in the order of the submissions."""

    def __init__(self, vault: Spool, numbered: dict[int, Submission]) -> None:
        self._vault = vault
        self._numbered = numbered
        self._named = named_loan(load_contract())
        self._open: dict[tuple[int, str], ArrowWriter] = {}
        self._kept = [
            "_record",
            *(field.name for field in load_contract().fields if field.kind != "identifier"),
            "id_canonical",
            "mobile_canonical",
            "name_canonical",
        ]

    def __enter__(self) -> Sinks:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: TracebackType | BaseException | None) -> None:
        with ExitStack() as stack:
            for writer in self._open.values():
                stack.callback(writer.abandon if kind else writer.close)

    def write(self, judged: Judged) -> None:
        """Seals one batch: typed good rows, original rejected rows, and the loan numbers of the latter."""
        good = judged.parsed.filter(~judged.rejected).select("_sub", *self._kept)
        self._part(spool.ROWS, good)
        if not judged.rejected.any():
            return
        bad = judged.parsed.filter(judged.rejected)
        self._part(spool.REJECTED, bad.select("_sub", loan_no=self._named))
        self._part(spool.QUARANTINE, judged.raw.filter(judged.rejected).drop("_as_of", "_mode"))

    def _part(self, stage: str, rows: pl.DataFrame) -> None:
        """Appends to each submission's file its rows; turned into Arrow once, for that costs small files the most."""
        table = arrow_of(rows.drop("_sub").rechunk())
        for sub, start, length in runs(rows):
            self._writer(sub, stage).write_table(table.slice(start, length))

    def _writer(self, sub: int, stage: str) -> ArrowWriter:
        """The writer of a submission's stage; those of submissions that came before are done."""
        for key in [key for key in self._open if key[0] < sub]:
            self._open.pop(key).close()
        if (sub, stage) not in self._open:
            self._open[sub, stage] = self._vault.frame_writer(self._numbered[sub].id, stage)
        return self._open[sub, stage]
