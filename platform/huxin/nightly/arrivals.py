"""The rows that a load writes, out of the sealed `loans` spools, with their subjects and versions beside them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huxin.nightly import spool
from huxin.nightly.columns import blocks
from huxin.nightly.spool import Spool
from huxin.registry.delta import CORRECTION
from huxin.registry.submissions import Submission

SORTED = 2_000_000  # up to so many rows are sorted by subject as a whole; beyond, each batch by itself

Flags = npt.NDArray[np.bool_]


class Arrivals:
    """Looks up, for each spooled row, whether it is written, for which subject and as which version.

    `arriving` is the delta's table: ord, subject_id, version, late.
    """

    def __init__(self, arriving: pa.Table, vault: Spool, items: list[Submission], now: datetime) -> None:
        self._vault = vault
        self._items = items
        self._now = now
        self._late = arriving["late"].to_numpy(zero_copy_only=False).astype(bool)
        self._versions = arriving["version"].to_numpy().astype(np.int32)
        self._subjects = _blocks(arriving["subject_id"])
        self._place = np.full(_length(arriving["ord"]), -1, np.int32)
        self._place[arriving["ord"].to_numpy()] = np.arange(arriving.num_rows, dtype=np.int32)

    def current(self) -> pa.RecordBatchReader | pa.Table:
        """The new current versions, as rows of `loan`, by subject so that its key grows in order."""
        tables = self._tables(~self._late)
        if (~self._late).sum() > SORTED:
            return _reader(self._schema(), (by_subject(table) for table in tables))
        whole = list(tables)
        return by_subject(pa.concat_tables(whole)) if whole else self._schema().empty_table()

    def late(self) -> pa.Table | None:
        """The rows that enter history only, or None."""
        if not self._late.any():
            return None
        table = pa.concat_tables(self._tables(self._late))
        superseded = pa.array([self._now] * table.num_rows, pa.timestamp("us", tz="UTC"))
        return table.append_column("superseded_at", superseded).append_column(
            "superseded_by", table["submission_id"]
        )

    def _tables(self, wanted: Flags) -> Iterator[pa.Table]:
        begin = 0
        for item in self._items:
            for batch in self._vault.read_batches(item.id, spool.LOANS):
                known = self._place[begin : begin + batch.num_rows]
                begin += batch.num_rows
                # The table of places ends with the last row that is written; those behind it are not.
                places = np.full(batch.num_rows, -1, np.int32)
                places[: len(known)] = known
                taken = places >= 0
                taken[taken] = wanted[places[taken]]
                if taken.any():
                    yield self._rows(item, batch, taken, places[taken])

    def _rows(
        self, item: Submission, batch: pa.RecordBatch, taken: Flags, places: npt.NDArray[np.int32]
    ) -> pa.Table:
        rows = batch if taken.all() else batch.filter(pa.array(taken))
        count = rows.num_rows
        columns = {
            "subject_id": blocks(self._subjects[places]),
            "member_id": pa.array(np.full(count, item.member_id, np.int32)),
            "submission_id": blocks(np.tile(np.frombuffer(item.id.bytes, np.uint8), (count, 1))),
            "recorded_at": _constant(self._now, count, pa.timestamp("us", tz="UTC")),
            "as_of_date": _constant(item.as_of_date, count, pa.date32()),
            "version": pa.array(self._versions[places]),
            **self._staleness(item, count),
        }
        names = [*columns, *rows.schema.names]
        return pa.Table.from_arrays([*columns.values(), *rows.columns], names=names)

    def _staleness(self, item: Submission, count: int) -> dict[str, pa.Array]:
        """A correction of a day that the member has left behind is current, yet nobody confirmed it since."""
        newest = item.facts.get("member_as_of")
        behind = item.mode == CORRECTION and newest is not None and str(item.as_of_date) < newest
        marks = np.tile(np.frombuffer(item.id.bytes, np.uint8), (count, 1))
        return {
            "stale_as_of": _constant(item.as_of_date if behind else None, count, pa.date32()),
            "stale_by": blocks(marks, np.full(count, behind)),
        }

    def _schema(self) -> pa.Schema:
        for item in self._items:
            for batch in self._vault.read_batches(item.id, spool.LOANS):
                none = np.zeros(batch.num_rows, bool)
                return self._rows(item, batch, none, np.empty(0, np.int32)).schema
        return pa.schema([("subject_id", pa.binary(16))])


def by_subject(table: pa.Table) -> pa.Table:
    """The rows in the order of (subject_id, loan_no), the primary key's within one member or nearly so."""
    keys = _blocks(table["subject_id"])
    first = keys[:, :8].copy().view(">u8")[:, 0].astype(np.uint64)
    return table.take(pa.array(np.argsort(first, kind="stable")))


def _blocks(column: pa.ChunkedArray) -> npt.NDArray[np.uint8]:
    """16-byte values, fixed or variable binary, as an (n, 16) array."""
    fixed = column.cast(pa.binary(16)).combine_chunks()
    fixed = fixed if isinstance(fixed, pa.Array) else pa.concat_arrays(fixed.chunks)
    data = np.frombuffer(fixed.buffers()[1] or b"", np.uint8)
    return data[fixed.offset * 16 : (fixed.offset + len(fixed)) * 16].reshape(-1, 16)


def _length(numbers: pa.ChunkedArray) -> int:
    return int(numbers.to_numpy().max()) + 1 if len(numbers) else 0


def _constant(value: object, count: int, kind: pa.DataType) -> pa.Array:
    return pa.repeat(pa.scalar(value, kind), count)


def _reader(schema: pa.Schema, tables: Iterator[pa.Table]) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(schema, (b for table in tables for b in table.to_batches()))
