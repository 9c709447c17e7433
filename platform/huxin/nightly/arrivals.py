"""The rows that a load writes, out of the sealed spools, with their subjects and versions beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from huxin.nightly import spool
from huxin.nightly.spool import Spool
from huxin.registry.blocks import blocks, from_column
from huxin.registry.delta import CORRECTION
from huxin.registry.submissions import Submission

SORTED = 2_000_000  # up to so many rows are sorted as a whole; beyond, each batch by itself

Flags = npt.NDArray[np.bool_]
Rows: TypeAlias = "pa.RecordBatchReader | pa.Table"


@dataclass(frozen=True)
class Taken:
    """Rows of one spooled batch that are written; `places` are their rows in the delta's table."""

    item: Submission
    rows: pa.RecordBatch
    places: npt.NDArray[np.int32]


class Arrivals:
    """Looks up, for each spooled row, whether it is written, for which subject and as which version.

    `arriving` is the delta's table: ord, subject_id, version, late, new, void.
    """

    def __init__(self, arriving: pa.Table, vault: Spool, items: list[Submission], now: datetime) -> None:
        self._vault = vault
        self._items = items
        self._now = now
        self._late = _flags(arriving["late"])
        self._new = _flags(arriving["new"])
        self._void = _flags(arriving["void"])
        self._versions = arriving["version"].to_numpy().astype(np.int32)
        self._subjects = from_column(arriving["subject_id"])
        order = arriving["ord"].to_numpy()
        # The table of places ends with the last row that is written; those behind it are not.
        self._place = np.full(int(order.max()) + 1 if len(order) else 0, -1, np.int32)
        self._place[order] = np.arange(arriving.num_rows, dtype=np.int32)

    def current(self) -> Rows | None:
        """The new current versions, as rows of `loan`, by subject so that its key grows in order."""
        return self._written(spool.LOANS, ~self._late, self._loan_rows, by_subject)

    def new_keys(self) -> Rows | None:
        """The rows of `loan_key` for what is new, in the order of that key."""
        return self._written(spool.KEYS, self._new, self._key_rows, by_loan)

    def late(self) -> pa.Table | None:
        """The rows that enter history only, or None."""
        if not self._late.any():
            return None
        table = pa.concat_tables(map(self._late_rows, self._taken(spool.LOANS, self._late)))
        superseded = _constant(self._now, table.num_rows, pa.timestamp("us", tz="UTC"))
        table = table.append_column("superseded_at", superseded)
        return table.append_column("superseded_by", table["submission_id"])

    def _written(
        self,
        stage: str,
        wanted: Flags,
        shape: Callable[[Taken], pa.Table],
        in_order: Callable[[pa.Table], pa.Table],
    ) -> Rows | None:
        count = int(wanted.sum())
        if not count:
            return None
        tables = map(shape, self._taken(stage, wanted))
        if count <= SORTED:
            return in_order(pa.concat_tables(tables))
        first = in_order(next(tables))
        return pa.RecordBatchReader.from_batches(first.schema, _batches(first, map(in_order, tables)))

    def _taken(self, stage: str, wanted: Flags) -> Iterator[Taken]:
        begin = 0
        for item in self._items:
            for batch in self._vault.read_batches(item.id, stage):
                known = self._place[begin : begin + batch.num_rows]
                begin += batch.num_rows
                places = np.full(batch.num_rows, -1, np.int32)
                places[: len(known)] = known
                taken = places >= 0
                taken[taken] = wanted[places[taken]]
                if taken.any():
                    rows = batch if taken.all() else batch.filter(pa.array(taken))
                    yield Taken(item, rows, places[taken])

    def _loan_rows(self, taken: Taken) -> pa.Table:
        item, rows = taken.item, taken.rows
        count = rows.num_rows
        mark = np.tile(np.frombuffer(item.id.bytes, np.uint8), (count, 1))
        behind = _behind(item)
        columns = {
            "subject_id": blocks(self._subjects[taken.places]),
            "member_id": pa.array(np.full(count, item.member_id, np.int32)),
            "submission_id": blocks(mark),
            "recorded_at": _constant(self._now, count, pa.timestamp("us", tz="UTC")),
            "as_of_date": _constant(item.as_of_date, count, pa.date32()),
            "version": pa.array(self._versions[taken.places]),
            "stale_as_of": _constant(item.as_of_date if behind else None, count, pa.date32()),
            "stale_by": blocks(mark, np.full(count, behind)),
        }
        return pa.table(columns | dict(zip(rows.schema.names, rows.columns, strict=True)))

    def _late_rows(self, taken: Taken) -> pa.Table:
        rows = self._loan_rows(taken)
        return rows.append_column(
            "void_by", blocks(from_column(rows["submission_id"]), self._void[taken.places])
        )

    def _key_rows(self, taken: Taken) -> pa.Table:
        item, rows = taken.item, taken.rows
        count = rows.num_rows
        return pa.table(
            {
                "member_id": pa.array(np.full(count, item.member_id, np.int32)),
                "loan_no": rows["loan_no"],
                "subject_id": blocks(self._subjects[taken.places]),
                "digest": rows["digest"],
                "version": pa.array(self._versions[taken.places]),
                "role": rows["role"],
                "open": rows["open"],
                "stale": _constant(True if _behind(item) else None, count, pa.bool_()),
            }
        )


def by_subject(table: pa.Table) -> pa.Table:
    """The rows by the first half of subject_id, which is random: as good as the whole of it for a B-tree."""
    first = from_column(table["subject_id"])[:, :8].copy().view(">u8")[:, 0].astype(np.uint64)
    return table.take(pa.array(np.argsort(first, kind="stable")))


def by_loan(table: pa.Table) -> pa.Table:
    """The rows by member and loan number."""
    order = pl.DataFrame(pl.from_arrow(table.select(["member_id", "loan_no"]))).select(
        pl.arg_sort_by("member_id", "loan_no")
    )
    return table.take(order.to_series().to_arrow())


def _behind(item: Submission) -> bool:
    """A correction of a day that the member has left behind is current, yet nobody confirmed it since."""
    newest = item.facts.get("member_as_of")
    return item.mode == CORRECTION and newest is not None and str(item.as_of_date) < newest


def _flags(column: pa.ChunkedArray) -> Flags:
    flags: Flags = column.to_numpy(zero_copy_only=False).astype(bool)
    return flags


def _batches(first: pa.Table, rest: Iterator[pa.Table]) -> Iterator[pa.RecordBatch]:
    yield from first.to_batches()
    for table in rest:
        yield from table.to_batches()


def _constant(value: object, count: int, kind: pa.DataType) -> pa.Array:
    return pa.repeat(pa.scalar(value, kind), count)
