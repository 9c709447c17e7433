"""Where judged rows go: good ones to the sealed spool, rejected ones to the sealed quarantine."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from types import TracebackType

import polars as pl

from huxin.contract import load_contract
from huxin.nightly import spool
from huxin.nightly.batching import runs
from huxin.nightly.beside import errands
from huxin.nightly.spool import Spool, arrow_of
from huxin.nightly.stage_writer import StageWriter
from huxin.registry.submissions import Submission
from huxin_checks.rows import Judged, named_loan


class Sinks:
    """Writers of one submission after another, beside the caller; rows come in the order of the submissions.

    Good and rejected rows are sealed by a thread each: of a thousand small files either is work enough.
    """

    def __init__(self, vault: Spool, numbered: dict[int, Submission]) -> None:
        stages = (spool.ROWS, spool.REJECTED, spool.QUARANTINE)
        self._writers = {stage: StageWriter(vault, numbered, stage) for stage in stages}
        self._named = named_loan(load_contract())
        self._stack = ExitStack()
        self._kept = [
            "_record",
            *(field.name for field in load_contract().fields if field.kind != "identifier"),
            "id_canonical",
            "mobile_canonical",
            "name_canonical",
        ]

    def __enter__(self) -> Sinks:
        with ExitStack() as stack:
            for writer in self._writers.values():
                stack.enter_context(writer)
            self._good, self._bad = (stack.enter_context(errands()) for _ in range(2))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def follow(self, judged: Judged) -> None:
        """Has one batch sealed when that before it is: typed good rows, original rejected rows, their loan numbers."""
        self._good.follow(partial(self._seal_good, judged))
        self._bad.follow(partial(self._seal_bad, judged))

    def wait(self) -> None:
        """Returns when all are sealed; raises what went wrong."""
        self._good.wait()
        self._bad.wait()

    def _seal_good(self, judged: Judged) -> None:
        self._part(spool.ROWS, judged.parsed.filter(~judged.rejected).select("_sub", *self._kept))

    def _seal_bad(self, judged: Judged) -> None:
        if not judged.rejected.any():
            return
        bad = judged.parsed.filter(judged.rejected)
        self._part(spool.REJECTED, bad.select("_sub", loan_no=self._named))
        self._part(spool.QUARANTINE, judged.raw.filter(judged.rejected).drop("_as_of", "_mode"))

    def _part(self, stage: str, rows: pl.DataFrame) -> None:
        """Appends to each submission's file its rows; turned into Arrow once, for that costs small files the most."""
        self._writers[stage].write_all(runs(rows), arrow_of(rows.drop("_sub").rechunk()))
