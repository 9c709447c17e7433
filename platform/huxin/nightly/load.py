"""The load step: one transaction a wave brings a group's rows into the registry and publishes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

import pyarrow as pa

from huxin import faults
from huxin.contract import State
from huxin.errors import HuxinError
from huxin.nightly import spool
from huxin.nightly.arrivals import Arrivals
from huxin.nightly.batching import sizes
from huxin.nightly.late_checks import refuse_out_of_order, vanishing_verdict
from huxin.nightly.leftovers import kept
from huxin.nightly.memory import give_back
from huxin.nightly.spool import Spool
from huxin.nightly.streams import Cursor, batch_table, incoming_portions, rejected_stream
from huxin.nightly.timings import Timings
from huxin.registry import aliases, delta, incoming, publishing, versions
from huxin.registry.alone import alone
from huxin.registry.blocks import blocks, from_column
from huxin.registry.bulk import CONTENDED, Bulk, BulkError, bulk
from huxin.registry.partitions import ensure_month
from huxin.registry.session import connection
from huxin.registry.submissions import UNFINISHED, Submission, find_all
from huxin.settings import Settings

_TRIES = 4
_FEW = 4  # portions that are found sooner by reading all that is resolved than by an index


def load_group(settings: Settings, ids: Sequence[UUID], timings: Timings | None = None) -> None:
    """Loads the pseudonymized submissions among `ids` and publishes them; others are left alone.

    A member's submissions go one after another, in (as-of date, sequence) order, those of different members
    together. Afterwards each is `published`, `awaiting_confirmation` or `refused` (out of order).
    """
    timer = timings or Timings()
    with alone(settings, ids):
        with connection(settings) as database:
            todo = [item for item in find_all(database, ids) if item.state == State.PSEUDONYMIZED]
            if todo:
                ensure_month(database, settings.now())
        for wave in waves(todo):
            _load_wave(settings, wave, timer)


def waves(items: Sequence[Submission]) -> Iterator[list[Submission]]:
    """Lists with one submission a member, each member's in order of (as-of date, sequence, receipt)."""
    rest = sorted(items, key=lambda item: (item.as_of_date, item.sequence, item.received_at))
    while rest:
        first = {item.member_id: item for item in reversed(rest)}
        chosen = {item.id for item in first.values()}
        yield [item for item in rest if item.id in chosen]
        rest = [item for item in rest if item.id not in chosen]


def _load_wave(settings: Settings, wave: list[Submission], timer: Timings) -> None:
    """Runs the wave's transaction; a claim that met another's is tried once more, patiently."""
    for attempt in range(_TRIES):
        try:
            _transact(settings, wave, timer, contended=attempt > 0)
            break
        except BulkError as error:
            if error.sqlstate not in CONTENDED or attempt + 1 == _TRIES:
                raise
    faults.reach("load.committed")
    vault = Spool(settings)
    with connection(settings) as database:
        after = find_all(database, [item.id for item in wave])
    for item in after:
        if item.state not in UNFINISHED:
            vault.forget(item.id, keep=kept(item))
    faults.reach("load.forgotten")


def _transact(settings: Settings, wave: list[Submission], timer: Timings, contended: bool) -> None:
    vault = Spool(settings)
    with bulk(settings) as session:
        publishing.lock_members(session, [item.member_id for item in wave])
        ready = refuse_out_of_order(settings, wave)
        if not ready:
            return
        now = publishing.moment(session, [item.member_id for item in wave], settings.now())
        with timer.stage("load.keys"):
            incoming.open_tables(session)
            incoming.fill(session, batch_table(ready, now), rejected_stream(vault, ready))
        faults.reach("load.copied")
        aliases.open_tables(session)
        if delta.books_held(session):
            count = _bring(session, vault, ready, now, timer, contended)
            _decide(session, ready, timer)
            _write(session, vault, ready, timer, now, count)
        else:
            _write_new(session, vault, ready, timer, now, contended)
        with timer.stage("load.commit"):
            publishing.publish(session)
            faults.reach("load.published")
            session.commit()


def _bring(
    session: Bulk, vault: Spool, ready: list[Submission], now: datetime, timer: Timings, contended: bool
) -> int:
    """Brings what decides the load into the transaction, each row with its subject; returns how many there are."""
    count = 0
    for portion in incoming_portions(vault, ready, sizes(ready).portion):
        count += portion.num_rows
        with timer.stage("load.claim"):
            subjects = _subjects(session, portion, now, contended)
        with timer.stage("load.keys"):
            rows = portion.append_column("subject_id", blocks(subjects.ids)).select(incoming.INCOMING.names)
            incoming.add_rows(
                session, rows if subjects.known.all() else rows.filter(pa.array(subjects.known))
            )
    _whole(ready, count)
    session.run("ANALYZE incoming")
    faults.reach("load.claimed")
    return count


def _subjects(session: Bulk, portion: pa.Table, now: datetime, contended: bool) -> aliases.Subjects:
    deletes = portion["deletes"].to_numpy(zero_copy_only=False)
    tokens, schemes = from_column(portion["token"]), portion["scheme"].to_numpy()
    found = aliases.subjects_of(session, tokens, schemes, ~deletes, now, contended)
    give_back()
    return found


def _any_behind(ready: list[Submission]) -> bool:
    return any(item.mode == delta.CORRECTION for item in ready)


def _whole(ready: list[Submission], count: int) -> None:
    """The spool holds every row that was accepted: a file that is missing is no empty file."""
    if count != sum(item.accepted or 0 for item in ready):
        raise HuxinError("H0613")


def _write_new(
    session: Bulk, vault: Spool, ready: list[Submission], timer: Timings, now: datetime, contended: bool
) -> None:
    """Members' first books: every row is new, so none needs to be looked up, and nothing can end or wait."""
    loans, keys = Cursor(vault, ready, spool.LOANS), Cursor(vault, ready, spool.KEYS)
    begin = 0
    for portion in incoming_portions(vault, ready, sizes(ready).portion):
        with timer.stage("load.claim"):
            subjects = _subjects(session, portion, now, contended)
            wanted = ~portion["deletes"].to_numpy(zero_copy_only=False)
        faults.reach("load.claimed")
        arrivals = Arrivals(delta.all_new(subjects.ids, wanted, begin), begin, now, _any_behind(ready))
        _arrive(session, arrivals, loans, keys, portion.num_rows, timer)
        begin += portion.num_rows
    _whole(ready, begin)
    faults.reach("load.arrived")


def _decide(session: Bulk, ready: list[Submission], timer: Timings) -> None:
    """Who is new, what changed, what ends; submissions that must wait for confirmation leave the load."""
    with timer.stage("load.delta"):
        delta.resolve(session)
        delta.find_endings(session)
        verdict = vanishing_verdict(delta.vanishing(session), ready)
        publishing.note_vanished(session, verdict.noted)
        publishing.await_confirmation(session, verdict.waiting)
        delta.drop_submissions(session, verdict.waiting)
    faults.reach("load.resolved")


def _write(
    session: Bulk, vault: Spool, ready: list[Submission], timer: Timings, now: datetime, count: int
) -> None:
    """Old versions to history, new ones in, portion by portion of the incoming rows, and their keys."""
    with timer.stage("load.history"):
        versions.supersede(session)
        versions.end(session)
        versions.mark_stale(session)
    faults.reach("load.superseded")
    loans, keys = Cursor(vault, ready, spool.LOANS), Cursor(vault, ready, spool.KEYS)
    portion = sizes(ready).portion
    if count > _FEW * portion:
        delta.index_resolved(session)
    for begin in range(0, count, portion):
        end = min(begin + portion, count)
        with timer.stage("load.loans"):
            arrivals = Arrivals(delta.arriving(session, begin, end), begin, now, _any_behind(ready))
        _arrive(session, arrivals, loans, keys, end - begin, timer)
    faults.reach("load.arrived")
    with timer.stage("load.loan_keys"):
        versions.update_keys(session)


def _arrive(
    session: Bulk, arrivals: Arrivals, loans: Cursor, keys: Cursor, rows: int, timer: Timings
) -> None:
    """Writes the loans of the next `rows` rows, and the keys of those that are new."""
    with timer.stage("load.loans"):
        versions.arrive(session, arrivals.current(loans.take(rows)))
        versions.arrive_late(session, arrivals.late())
    with timer.stage("load.loan_keys"):
        versions.add_keys(session, arrivals.new_keys(keys.take(rows)))
    give_back()
