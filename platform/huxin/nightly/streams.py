"""The sealed spools of a load as Arrow streams with the load's own columns: batch, incoming, rejected."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huxin.errors import HuxinError
from huxin.nightly import spool
from huxin.nightly.spool import Spool
from huxin.nightly.turning import Source
from huxin.registry.incoming import BATCH, REJECTED
from huxin.registry.submissions import Submission
from huxin.registry.wire import Encoded, encode


def batch_table(items: list[Submission], now: datetime) -> pa.Table:
    """One row a submission; `hold` where a rejected row has no loan number, so that nothing may end."""
    columns = {
        "sub": range(len(items)),
        "member_id": [item.member_id for item in items],
        "submission_id": [item.id.bytes for item in items],
        "as_of_date": [item.as_of_date for item in items],
        "sequence": [item.sequence for item in items],
        "mode": [item.mode for item in items],
        "confirmed": [item.confirmed for item in items],
        "hold": [bool(item.facts.get("unmatched")) for item in items],
        "recorded_at": [now] * len(items),
    }
    return pa.table({name: pa.array(values, BATCH.field(name).type) for name, values in columns.items()})


def incoming_portions(source: Source, items: list[Submission], rows: int) -> Iterator[pa.Table]:
    """Every good row of the submissions, numbered through (`ord`) in the order that `Arrivals` reads them.

    Tables of about `rows` rows: ord, sub, member_id and the columns of the `keys` spool under the present keys.
    """
    held: list[pa.Table] = []
    begin = start = 0
    for sub, item in enumerate(items):
        for batch in source.batches(item, spool.KEYS):
            held.append(_numbered(batch, begin, sub, item.member_id))
            begin += batch.num_rows
            if begin - start >= rows:
                yield pa.concat_tables(held)
                held, start = [], begin
    if held:
        yield pa.concat_tables(held)


def as_portion(rows: pa.Table, items: list[Submission]) -> Iterator[tuple[Submission, pa.RecordBatch]]:
    """Incoming rows as a `Cursor` would hand them out: read once, they need not be opened a second time."""
    return ((items[batch.column("sub")[0].as_py()], batch) for batch in rows.to_batches())


def rejected_stream(vault: Spool, items: list[Submission]) -> Encoded:
    """The loan numbers of rejected rows."""
    parts = (part for table in _rejected(vault, items) for part in encode(table))
    return Encoded(tuple(REJECTED.names), parts)


class Cursor:
    """The record batches of one stage of all submissions, in their order, handed out by the number of rows."""

    def __init__(self, source: Source, items: list[Submission], stage: str) -> None:
        self._batches = ((item, batch) for item in items for batch in source.batches(item, stage))
        self._rest: tuple[Submission, pa.RecordBatch] | None = None

    def take(self, rows: int) -> Iterator[tuple[Submission, pa.RecordBatch]]:
        """The next `rows` rows, as batches with the submission they are of; a batch may be cut in two."""
        while rows:
            found = self._rest or next(self._batches, None)
            if found is None:
                raise HuxinError("H0613")
            item, batch = found
            part = batch.slice(0, rows)
            self._rest = (item, batch.slice(rows)) if batch.num_rows > rows else None
            rows -= part.num_rows
            yield item, part


def _numbered(batch: pa.RecordBatch, begin: int, sub: int, member_id: int) -> pa.Table:
    rows = batch.num_rows
    numbers = {
        "ord": pa.array(np.arange(begin, begin + rows, dtype=np.int32)),
        "sub": pa.array(np.full(rows, sub, np.int16)),
        "member_id": pa.array(np.full(rows, member_id, np.int32)),
    }
    return pa.table(numbers | dict(zip(batch.schema.names, batch.columns, strict=True)))


def _rejected(vault: Spool, items: list[Submission]) -> Iterator[pa.Table]:
    for sub, item in enumerate(items):
        for stage in (spool.REJECTED, spool.REJECTED_SET):
            for batch in vault.read_batches(item.id, stage):
                named = pc.drop_null(pc.unique(batch.column("loan_no"))).cast(pa.string())
                subs = pa.array(np.full(len(named), sub, np.int16))
                yield pa.table([subs, named], schema=REJECTED)
