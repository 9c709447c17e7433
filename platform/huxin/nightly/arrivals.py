"""The rows that a load writes, out of the sealed spools, with their subjects and versions beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huxin.nightly.ahead import ahead
from huxin.nightly.book_sums import BookSums
from huxin.nightly.loan_order import Order, by_loan
from huxin.registry.blocks import blocks, from_column
from huxin.registry.delta import CORRECTION
from huxin.registry.submissions import Submission
from huxin.registry.wire import Bytes, Encoded, Rows, encode

_BY_SUBJECT = ["subject_id"]
_BY_LOAN = ["member_id", "loan_no"]
_THICK = 16_000
_THIN = 8_192
_AHEAD = 8  # parts of a megabyte or two that are ready before the server takes them

Flags = npt.NDArray[np.bool_]
Portion = Iterator[tuple[Submission, "pa.RecordBatch"]]


@dataclass(frozen=True)
class Taken:
    """Rows of one spooled batch that are written; `places` are their rows in the delta's table."""

    item: Submission
    rows: pa.RecordBatch
    places: npt.NDArray[np.int32]

    def only(self, wanted: Flags) -> Taken:
        """Some of these rows."""
        if wanted.all():
            return self
        return Taken(self.item, self.rows.filter(pa.array(wanted)), self.places[wanted])


class Arrivals:
    """Looks up, for each row of a portion of the spool, whether it is written, for which subject, as which version.

    `arriving` is the delta's table (ord, subject_id, version, late, new, void) for the portion that starts at
    `begin`; without `any_behind` no submission is a correction of a past day. A portion's rows are given as
    (submission, record batch) in the order of their numbers. `mark_schemes` are those of the submissions' name
    marks; without any they are the first ones, which are not named. `rising`, where all are new and in their order,
    are rows whose subjects come in the order of their ids: they can be sent as they come.
    """

    def __init__(
        self,
        arriving: pa.Table,
        begin: int,
        now: datetime,
        any_behind: bool = True,
        mark_schemes: Mapping[UUID, int] | None = None,
        rising: Flags | None = None,
    ) -> None:
        self._now = now
        self._any_behind = any_behind
        self._mark_schemes = mark_schemes
        self._rising = rising
        self._late = _flags(arriving["late"])
        self._new = _flags(arriving["new"])
        self._void = _flags(arriving["void"])
        self._versions = arriving["version"].to_numpy().astype(np.int32)
        self._subjects = from_column(arriving["subject_id"])
        self._late_tables: list[pa.Table] = []
        self._sums = BookSums()
        order = arriving["ord"].to_numpy() - begin
        # The table of places ends with the last row that is written; those behind it are not.
        self._place = np.full(int(order.max()) + 1 if len(order) else 0, -1, np.int32)
        self._place[order] = np.arange(arriving.num_rows, dtype=np.int32)

    def current(self, portion: Portion) -> Encoded | None:
        """The new current versions, as rows of `loan`, by subject so that its key is met in order.

        Late versions that pass by are kept for `late`. The rows have to be sent before `late` or `book` is asked for.
        """
        tables = self._sums.watched(_thick(self._currents(portion)))
        if self._rising is None or not self._rising.any():
            return self._encoded(tables, _BY_SUBJECT, by_subject)
        first = next(tables)
        return Encoded(
            tuple(first.column_names), ahead(self._in_turn(chain([first], tables), self._rising), _AHEAD)
        )

    def _in_turn(self, tables: Iterator[pa.Table], rising: Flags) -> Iterator[Bytes]:
        """The rising rows as they come, so that the server need not wait, and then the others in their order.

        So the key is met in order twice, from end to end.
        """
        rest, keys, begin = Rows(int(np.count_nonzero(~rising))), [], 0
        for table in _thin(tables):
            sent = rising[begin : begin + table.num_rows]
            begin += table.num_rows
            yield from encode(table, np.flatnonzero(sent))
            if not sent.all():
                others = table.filter(pa.array(~sent))
                rest.add(others)
                keys.append(others.select(_BY_SUBJECT))
        if keys:
            yield from rest.ordered(by_subject(pa.concat_tables(keys)))

    def book(self) -> pa.Table | None:
        """What `current` gave adds to its members' books, in sums (columns of books.CHANGE); None for nothing."""
        return self._sums.table()

    def late(self) -> pa.Table | None:
        """The rows that enter history only, or None."""
        if not self._late_tables:
            return None
        table = pa.concat_tables(self._late_tables)
        superseded = _constant(self._now, table.num_rows, pa.timestamp("us", tz="UTC"))
        table = table.append_column("superseded_at", superseded)
        return table.append_column("superseded_by", table["submission_id"])

    def new_keys(self, portion: Portion) -> Encoded | None:
        """The rows of `loan_key` for what is new, in the order of that key."""
        return self._encoded(_thick(map(self._key_rows, self._taken(portion, self._new))), _BY_LOAN, by_loan)

    def _encoded(
        self, tables: Iterator[pa.Table], by: list[str], order: Callable[[pa.Table], Order]
    ) -> Encoded | None:
        """All rows, brought into their order, which is one of columns `by`, while the server stores; None without any.

        The whole portion is sorted together: a key that is met in order from end to end costs the server a seventh
        less.
        """
        rows, keys = Rows(len(self._late)), []
        for table in tables:
            rows.add(table)
            # No column more than needed: one that was read holds all that was read with it.
            keys.append(table.select(by))
            names = table.column_names
        if not keys:
            return None
        return Encoded(tuple(names), ahead(rows.ordered(order(pa.concat_tables(keys))), _AHEAD))

    def _currents(self, portion: Portion) -> Iterator[pa.Table]:
        for taken in self._taken(portion, np.ones_like(self._late)):
            late = self._late[taken.places]
            if not late.any():
                yield self._loan_rows(taken)
                continue
            self._late_tables.append(self._late_rows(taken.only(late)))
            if not late.all():
                yield self._loan_rows(taken.only(~late))

    def _taken(self, portion: Portion, wanted: Flags) -> Iterator[Taken]:
        begin = 0
        for item, batch in portion:
            known = self._place[begin : begin + batch.num_rows]
            begin += batch.num_rows
            places = np.full(batch.num_rows, -1, np.int32)
            places[: len(known)] = known
            taken = places >= 0
            taken[taken] = wanted[places[taken]]
            if taken.any():
                yield Taken(item, batch, places).only(taken)

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
        }
        if self._any_behind:
            columns |= {
                "stale_as_of": _constant(item.as_of_date if behind else None, count, pa.date32()),
                "stale_by": blocks(mark, np.full(count, behind)),
            }
        if self._mark_schemes:
            columns["mark_scheme"] = _constant(self._mark_schemes[item.id], count, pa.int16())
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
                "max_dpd": rows["max_dpd"],
                "version": pa.array(self._versions[taken.places]),
                "role": rows["role"],
                "open": rows["open"],
                "stale": _constant(True if _behind(item) else None, count, pa.bool_()),
                "mobile_mark": rows["mobile_mark"],
            }
        )


def _thick(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of at least _THICK rows: to lay out forty columns costs more than a thousand rows."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if sum(map(len, held)) >= _THICK:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def _thin(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables that the processor's cache holds while they are put together and sent."""
    return (table.slice(start, _THIN) for table in tables for start in range(0, table.num_rows, _THIN))


def renewed_marks(
    wanted: pa.Table, begin: int, portion: Portion, mark_schemes: Mapping[UUID, int] | None
) -> pa.Table | None:
    """The present marks and digests of the rows `wanted` (delta.renewing) of a portion; None without any.

    Columns: member_id, loan_no, subject_id, name_mark, mark_scheme, digest.
    """
    if not wanted.num_rows:
        return None
    places = wanted["ord"].to_numpy() - begin
    subjects = from_column(wanted["subject_id"])[np.argsort(places)]
    tables = [_marks(item, batch, mark_schemes) for item, batch in portion]
    rows = pa.concat_tables(tables).take(pa.array(np.sort(places)))
    return rows.append_column("subject_id", blocks(subjects))


def _marks(item: Submission, batch: pa.RecordBatch, mark_schemes: Mapping[UUID, int] | None) -> pa.Table:
    number = mark_schemes[item.id] if mark_schemes else None
    columns = {
        "member_id": _constant(item.member_id, batch.num_rows, pa.int32()),
        "mark_scheme": _constant(number, batch.num_rows, pa.int16()),
    }
    return pa.table(columns | {name: batch.column(name) for name in ("loan_no", "name_mark", "digest")})


def by_subject(table: pa.Table) -> Order:
    """The places of the rows by the first half of subject_id: as random, and as good for a B-tree, as the whole."""
    first = from_column(table["subject_id"])[:, :8].copy().view(">u8")[:, 0].astype(np.uint64)
    return np.argsort(first, kind="stable")


def _behind(item: Submission) -> bool:
    """A correction of a day that the member has left behind is current, yet nobody confirmed it since."""
    newest = item.facts.get("member_as_of")
    return item.mode == CORRECTION and newest is not None and str(item.as_of_date) < newest


def _flags(column: pa.ChunkedArray) -> Flags:
    flags: Flags = column.to_numpy(zero_copy_only=False).astype(bool)
    return flags


def _constant(value: object, count: int, kind: pa.DataType) -> pa.Array:
    return pa.repeat(pa.scalar(value, kind), count)
