"""The rows of one load: out of the sealed spools, portion by portion, into the transaction that publishes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from huxin import faults
from huxin.errors import HuxinError
from huxin.nightly import spool
from huxin.nightly.ahead import ahead
from huxin.nightly.arrivals import Arrivals, Portion, renewed_marks
from huxin.nightly.beside import Errands, soon
from huxin.nightly.memory import give_back
from huxin.nightly.streams import Cursor, as_portion, incoming_portions
from huxin.nightly.timings import Timings
from huxin.nightly.turner import as_blocks
from huxin.nightly.turning import Slot, Source
from huxin.registry import aliases, books, delta, incoming, mobiles, versions
from huxin.registry.blocks import Blocks, blocks, from_column
from huxin.registry.bulk import Bulk
from huxin.registry.delta import CORRECTION
from huxin.registry.submissions import Submission

_FEW = 4  # portions that are found sooner by reading all that is resolved than by an index


@dataclass(frozen=True)
class Load:
    """One wave in its transaction: a submission a member, worked on `portion` rows at a time, recorded at `now`.

    Persons and mobiles are claimed on a connection of their own, `claims`, which only `claiming` uses while it has
    errands. `contended` says that a try before this one met another load at the same tokens. `source` reads the
    spools as the present keys would have made them.
    """

    session: Bulk
    claims: Bulk
    claiming: Errands
    source: Source
    ready: list[Submission]
    portion: int
    now: datetime
    timer: Timings
    contended: bool

    @property
    def any_behind(self) -> bool:
        return any(item.mode == CORRECTION for item in self.ready)

    @property
    def accepted(self) -> int:
        return sum(item.accepted or 0 for item in self.ready)

    @property
    def roomy(self) -> bool:
        """Whether one portion holds it all: of a huge file nothing is made before the memory is free again."""
        return self.accepted <= self.portion

    def errand(self, errand: Callable[[], None]) -> None:
        """Does something on the connection of the claims: meanwhile, or at once where memory is short."""
        if self.roomy:
            self.claiming.send(errand)
        else:
            errand()

    @property
    def mark_schemes(self) -> dict[UUID, int] | None:
        """The scheme of each submission's name marks, None where none need be named."""
        return self.source.mark_schemes(self.ready)

    def cursor(self, stage: str) -> Cursor:
        return Cursor(self.source, self.ready, stage)


def bring(load: Load) -> None:
    """Brings what decides the load into the transaction, each row with its subject."""
    count = 0
    for rows in incoming_portions(load.source, load.ready, load.portion):
        count += rows.num_rows
        with load.timer.stage("load.claim"):
            subjects = _subjects(load, rows)
        with load.timer.stage("load.keys"):
            named = rows.append_column("subject_id", blocks(subjects.ids)).select(incoming.INCOMING.names)
            incoming.add_rows(
                load.session, named if subjects.known.all() else named.filter(pa.array(subjects.known))
            )
            incoming.add_others(load.session, _other_digests(load, rows))
    _whole(load, count)
    load.session.run("ANALYZE incoming")
    faults.reach("load.claimed")


def write_new(load: Load) -> None:
    """Members' first books: every row is new, so none needs to be looked up, and nothing can end or wait."""
    loans = load.cursor(spool.LOANS)
    begin = 0
    for rows in incoming_portions(load.source, load.ready, load.portion):
        with load.timer.stage("load.claim"):
            found, wanted = _subjects(load, rows), ~_flags(rows["deletes"])
            subjects, rising = found.ids, found.rising[wanted]
        faults.reach("load.claimed")
        new = delta.all_new(subjects, wanted, begin)
        in_turn = rising if load.roomy else None  # a huge file's rows are made ready in this thread's memory
        arrivals = Arrivals(new, begin, load.now, load.any_behind, load.mark_schemes, in_turn)
        pairing = partial(_pair_rows, load, rows, np.flatnonzero(wanted), subjects[wanted])
        _arrive(load, arrivals, loans.take(rows.num_rows), as_portion(rows, load.ready), pairing)
        begin += rows.num_rows
    _whole(load, begin)
    faults.reach("load.arrived")


def write(load: Load) -> None:
    """Old versions to history, new ones in, portion by portion of the incoming rows, and their keys."""
    session, count = load.session, load.accepted
    with load.timer.stage("load.history"):
        versions.supersede(session)
        versions.end(session)
        versions.mark_stale(session)
    faults.reach("load.superseded")
    loans, keys, same = load.cursor(spool.LOANS), load.cursor(spool.KEYS), load.cursor(spool.LOANS)
    if count > _FEW * load.portion:
        delta.index_resolved(session)
    for begin in range(0, count, load.portion):
        end = min(begin + load.portion, count)
        with load.timer.stage("load.loans"):
            coming = delta.arriving(session, begin, end)
            arrivals = Arrivals(coming, begin, load.now, load.any_behind, load.mark_schemes)
        held = list(keys.take(end - begin))
        _arrive(load, arrivals, loans.take(end - begin), iter(held), lambda: None)
        _pair_called(load, begin, end, [batch for _, batch in held])
        if load.source.slots:
            _renew(load, begin, end, same.take(end - begin))
    faults.reach("load.arrived")
    with load.timer.stage("load.loan_keys"):
        versions.update_keys(session)


def _other_digests(load: Load, rows: pa.Table) -> pa.Table | None:
    """What these rows may be on record as: under other keys, whose exchange is no word of the member's."""
    names = ("digest", "renews")
    parts = [
        pa.table({"ord": rows["ord"]} | {name: rows[slot[name]] for name in names}).drop_null()
        for slot in load.source.slots
    ]
    return pa.concat_tables(parts) if parts else None


def _renew(load: Load, begin: int, end: int, loans: Portion) -> None:
    """Has loans of which nothing new was said bear the marks of the entry zone's present key."""
    with load.timer.stage("load.loans"):
        wanted = delta.renewing(load.session, begin, end)
        versions.renew(load.session, renewed_marks(wanted, begin, loans, load.mark_schemes))


def settle(load: Load) -> None:
    """Waits for what was said of persons and mobiles: nothing is published whose subjects are not on record."""
    with load.timer.stage("load.mobiles"):
        load.claiming.wait()
    faults.reach("load.paired")


def _subjects(load: Load, rows: pa.Table) -> aliases.Found:
    """The rows' subjects; those that are new are claimed as the first errand behind it."""
    claiming = ~_flags(rows["deletes"])
    load.claiming.wait()
    keys = _keyed(rows, load.source.slots, "token", "scheme")
    found = aliases.ids_of(load.claims, aliases.SUBJECTS, keys, claiming, load.now, load.contended)
    load.errand(partial(_claim, load, found.unwritten))
    give_back()
    return found


def _keyed(rows: pa.Table, slots: Sequence[Slot], token: str, scheme: str) -> pl.DataFrame:
    """The rows' tokens, and what the same persons or mobiles are known as under each slot's keys."""
    keys = aliases.keyed(from_column(rows[token]), rows[scheme].to_numpy())
    for slot in slots:
        present = _flags(rows[slot[token]].is_valid())
        other = aliases.keyed(
            as_blocks(rows[slot[token]].combine_chunks()), rows[slot[scheme]].fill_null(0).to_numpy()
        )
        keys = aliases.known_also(keys, slot.number, other, present, _flags(rows[slot["renews"]]))
    return keys


def _claim(load: Load, unwritten: pl.DataFrame) -> None:
    aliases.claim(load.claims, aliases.SUBJECTS, unwritten, load.now)
    load.claims.commit()


def _arrive(
    load: Load, arrivals: Arrivals, loans: Portion, keys: Portion, errand: Callable[[], None]
) -> None:
    """Writes the loans of a portion, and the keys of those that are new.

    The keys are made ready, and the errand is done, while the server stores the loans: not before, for it waits for
    the loans and for nothing else. Of a huge file they are done one after another, each in the memory of the last.
    """
    with load.timer.stage("load.loans"):
        current = arrivals.current(ahead(loans) if load.roomy else loans)
        making = partial(arrivals.new_keys, keys)
        coming = soon(making) if load.roomy else making
        if load.roomy:
            load.errand(errand)
        versions.arrive(load.session, current)
        versions.arrive_late(load.session, arrivals.late())
        books.add(load.session, arrivals.book())
    with load.timer.stage("load.loan_keys"):
        versions.add_keys(load.session, coming())
    give_back()
    if not load.roomy:
        load.errand(errand)


def _pair_called(load: Load, begin: int, end: int, keys: Iterable[pa.RecordBatch]) -> None:
    """Of the portion's rows those whose mobile is another than before: only these are looked up at all."""
    with load.timer.stage("load.mobiles"):
        calling = mobiles.calling(load.session, begin, end)
    if calling.num_rows:
        places = calling["ord"].to_numpy() - begin
        rows, subjects = pa.Table.from_batches(keys), from_column(calling["subject_id"])
        load.errand(partial(_pair_rows, load, rows, places, subjects))


def _pair_rows(load: Load, rows: pa.Table, places: npt.NDArray[np.integer], subjects: Blocks) -> None:
    """An errand: pairs the mobiles that these rows name. Their subjects are on record by then."""
    mobiles.pair(load.claims, _given(rows, load.source.slots, places, subjects), load.now, load.contended)
    load.claims.commit()
    give_back()


def _given(
    keys: pa.Table, slots: Sequence[Slot], places: npt.NDArray[np.integer], subjects: Blocks
) -> pl.DataFrame:
    """The mobiles of these rows, where they name one, with the subjects, which are parallel to `places`."""
    columns = ["mobile", "mobile_scheme"]
    for slot in slots:
        columns += [slot[name] for name in ("mobile", "mobile_scheme", "renews")]
    said = keys.select(columns).take(pa.array(places))
    named = said["mobile"].is_valid()
    subjects, said = subjects[_flags(named)], said.filter(named)
    return mobiles.given(_keyed(said, slots, "mobile", "mobile_scheme"), subjects)


def _whole(load: Load, count: int) -> None:
    """The spool holds every row that was accepted: a file that is missing is no empty file."""
    if count != load.accepted:
        raise HuxinError("H0613")


def _flags(column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    flags: npt.NDArray[np.bool_] = column.to_numpy(zero_copy_only=False).astype(bool)
    return flags
