"""The load step: one transaction a wave brings a group's rows into the registry and publishes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from huxin import faults
from huxin.contract import State
from huxin.nightly import loading
from huxin.nightly.batching import sizes
from huxin.nightly.beside import errands
from huxin.nightly.blind_source import EitherSource
from huxin.nightly.late_checks import refuse_out_of_order, vanishing_verdict
from huxin.nightly.leftovers import kept
from huxin.nightly.loading import Load
from huxin.nightly.spool import Spool
from huxin.nightly.streams import batch_table, rejected_stream
from huxin.nightly.timings import Timings
from huxin.nightly.turner import Turner
from huxin.registry import aliases, delta, incoming, mobiles, publishing
from huxin.registry.alone import alone
from huxin.registry.bulk import CONTENDED, STALE_KEYS, BulkError, bulk
from huxin.registry.key_readers import Reading, reading
from huxin.registry.partitions import ensure_month
from huxin.registry.session import connection
from huxin.registry.submissions import UNFINISHED, Submission, find_all
from huxin.settings import Settings
from huxin_privacy import keyring

_TRIES = 4


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
    """Runs the wave's transaction; a claim that met another's, or keys that were retired, is tried once more."""
    for attempt in range(_TRIES):
        try:
            _transact(settings, wave, timer, contended=attempt > 0)
            break
        except BulkError as error:
            if error.sqlstate not in (*CONTENDED, STALE_KEYS) or attempt + 1 == _TRIES:
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
    with reading(settings, "load") as place, bulk(settings) as session:
        publishing.lock_members(session, [item.member_id for item in wave])
        ready = refuse_out_of_order(settings, wave)
        if not ready:
            return
        now = publishing.moment(session, [item.member_id for item in wave], settings.now())
        with timer.stage("load.keys"):
            incoming.open_tables(session)
            incoming.fill(session, batch_table(ready, now), rejected_stream(vault, ready))
        faults.reach("load.copied")
        with bulk(settings) as claims, errands() as claiming:
            aliases.open_tables(claims)
            mobiles.open_tables(claims)
            claims.commit()
            source = EitherSource(settings, vault, ready, _turner(settings, place))
            source.claim(now)
            load = Load(session, claims, claiming, source, ready, sizes(ready).portion, now, timer, contended)
            _bring_in(load)
        with timer.stage("load.commit"):
            publishing.publish(session)
            faults.reach("load.published")
            session.commit()


def _turner(settings: Settings, place: Reading) -> Turner:
    """The present keys, read when the members are held: no mark of a retired one comes behind its retirement."""
    ring = keyring.open(settings.keys_dir, "registry")
    place.say({ring.zone: ring.version})
    with connection(settings) as database:
        return Turner(ring, database)


def _bring_in(load: Load) -> None:
    """Everything that is published with the submissions, and what was said of persons and mobiles before it."""
    if delta.books_held(load.session):
        loading.bring(load)
        _decide(load)
        loading.write(load)
    else:
        loading.write_new(load)
    loading.settle(load)


def _decide(load: Load) -> None:
    """Who is new, what changed, what ends; submissions that must wait for confirmation leave the load."""
    session = load.session
    with load.timer.stage("load.delta"):
        delta.resolve(session, others=bool(load.source.slots))
        delta.find_endings(session)
        verdict = vanishing_verdict(delta.vanishing(session), load.ready)
        publishing.note_vanished(session, verdict.noted)
        publishing.await_confirmation(session, verdict.waiting)
        delta.drop_submissions(session, verdict.waiting)
    faults.reach("load.resolved")
