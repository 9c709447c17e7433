"""The intake zone's part after validation: people to the entry zone, loans to the registry zone, and what became of it.

The intake zone sees whole rows and makes no token: the halves of its rows pass through it sealed, and it learns of the
registry only what it tells the members: states and counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import polars as pl

from huxin import faults
from huxin.contract import BLIND, State
from huxin.errors import HuxinError
from huxin.nightly import spool
from huxin.nightly.batching import gathered, joined_batches
from huxin.nightly.frames import (
    BELONGS,
    CELLS,
    END,
    HALVES,
    HEAD,
    LOANS,
    PEOPLE,
    PURPOSES,
    REJECTED,
    ROWS,
    belongs,
    frame,
    table_bytes,
)
from huxin.nightly.halving import NOBODY, people_table
from huxin.nightly.leftovers import kept
from huxin.nightly.pseudonymize import good_pieces
from huxin.nightly.spool import Spool
from huxin.nightly.taking_over import CELL, MIRRORED, end_facts, head_json, loan_columns
from huxin.nightly.timings import Timings
from huxin.registry.alone import alone
from huxin.registry.findings import add_findings
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, change, find_all
from huxin.settings import Settings
from huxin.zones.calls import BYTES, LONG_S, Peer
from huxin.zones.layout import required
from huxin.zones.roles import ENTRY, INTAKE, REGISTRY
from huxin_checks.finding import Finding
from huxin_privacy.envelope import seal_box


@dataclass(frozen=True)
class Peers:
    """The two zones as the intake zone calls them."""

    entry: Peer
    registry: Peer

    @classmethod
    def of(cls, settings: Settings) -> Peers:
        """HuxinError H1708, H1709 (not the intake zone), H1706, H1710, H1711."""
        layout = required(settings, INTAKE)
        return cls(Peer(layout, ENTRY), Peer(layout, REGISTRY))


def hand_over_group(settings: Settings, ids: Sequence[UUID], timings: Timings | None = None) -> None:
    """Hands the validated submissions among `ids` over to the registry zone; those in another state are left alone.

    Afterwards each is `pseudonymized`, and its rows are gone from here. What was handed over before is not sent again.
    """
    timer = timings or Timings()
    with alone(settings, ids):
        with connection(settings) as database:
            todo = [item for item in find_all(database, ids) if item.state == State.VALIDATED]
        if not todo:
            return
        peers, vault = Peers.of(settings), Spool(settings)
        for item in todo:
            with timer.stage("pseudonymize"):
                _hand_over(peers, vault, item)
            faults.reach("handover.sent")
            with connection(settings) as database:
                change(database, [replace(item, state=State.PSEUDONYMIZED, changed_at=settings.now())])
            faults.reach("handover.recorded")
            vault.forget(item.id, keep=spool.HELD)


def load_elsewhere(settings: Settings, ids: Sequence[UUID], timings: Timings | None = None) -> None:
    """Has the registry zone load and publish the pseudonymized submissions among `ids`; their states are kept here."""
    timer = timings or Timings()
    with alone(settings, ids):
        with connection(settings) as database:
            todo = [item for item in find_all(database, ids) if item.state == State.PSEUDONYMIZED]
        if not todo:
            return
        wanted = [{"id": str(i.id), "confirmed": i.confirmed, "attempt": i.attempt} for i in todo]
        with timer.stage("load"):
            body = json.dumps({"submissions": wanted}).encode()
            said = Peers.of(settings).registry.call("POST", "/zone/load", body, seconds=LONG_S).json()
        faults.reach("load.told")
        _keep(settings, todo, {UUID(each["id"]): each for each in said["submissions"]})


def withdraw_elsewhere(settings: Settings, item: Submission) -> Submission:
    """Has the registry zone take back a submission; it is kept here as it is then. HuxinError H0604, H0605."""
    path = f"/zone/submissions/{item.id}/withdraw"
    said = Peers.of(settings).registry.call("POST", path, b"{}", seconds=LONG_S).json()
    (after,) = _keep(settings, [item], {item.id: said})
    return after


def _keep(settings: Settings, items: Sequence[Submission], said: Mapping[UUID, Any]) -> list[Submission]:
    """Records what the registry zone says of submissions, and drops what their new states no longer need."""
    after = [mirrored(item, said[item.id]) for item in items]
    with connection(settings) as database:
        change(database, after)
        for item in after:
            found = [Finding(**each) for each in said[item.id]["findings"]]
            add_findings(database, item.member_id, item.id, found)
    faults.reach("load.mirrored")
    vault = Spool(settings)
    for item in after:
        if item.state != State.PSEUDONYMIZED:
            vault.forget(item.id, keep=kept(item))
    return after


def mirrored(item: Submission, said: Mapping[str, Any]) -> Submission:
    """A submission as the registry zone has it; what only this zone knows of it stays."""
    return replace(
        item,
        state=State[said["state"]],
        changed_at=datetime.fromisoformat(said["changed_at"]),
        facts=item.facts | said["facts"],
        **{name: said[name] for name in MIRRORED},
    )


def _hand_over(peers: Peers, vault: Spool, item: Submission) -> None:
    path = f"/zone/submissions/{item.id}"
    before = _standing(peers.registry, path)
    if before and before["attempt"] >= item.attempt and before["state"] != State.VALIDATED.name:
        return
    with vault.trying([item.id], keep=spool.AFTER_VALIDATION):
        stream = _stream(peers, vault, item)
        headers = {BELONGS: f"{item.id}/{item.attempt}"}
        peers.registry.call("PUT", path, stream, kind=BYTES, seconds=LONG_S, headers=headers)


def _standing(registry: Peer, path: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = registry.call("GET", path).json()
    except HuxinError as error:
        if error.code != "H0602":
            raise
        return None
    return found


def _stream(peers: Peers, vault: Spool, item: Submission) -> Iterator[bytes]:
    """The submission's pieces; as each pair is sent, the people of the next one are at the entry zone.

    Of a file without people in it the entry zone hears nothing: its elements are sealed to the registry zone.
    """
    made = _Pieces(peers.registry, item)
    yield made.box(HEAD, head_json(item))
    rows = batches = 0
    for whole in _batches(vault, item):
        rows, batches = rows + whole.height, batches + 1
        if item.contract == BLIND:
            yield made.box(LOANS, _table(whole.select(loan_columns())))
            yield made.box(CELLS, _table(whole.select(pl.col("id_canonical").alias(CELL))))
            continue
        halves = _halves(peers.entry, made, whole)
        yield made.box(LOANS, _table(whole.select(loan_columns())))
        yield made.next(HALVES, halves)
    rejected = 0
    for stage in (spool.REJECTED, spool.REJECTED_SET):
        for loans in vault.read_frames(item.id, stage):
            yield made.box(REJECTED, _table(loans.select("loan_no")))
            rejected += 1
    yield made.box(END, json.dumps(end_facts(rows, batches, rejected)).encode())


def _batches(vault: Spool, item: Submission) -> Iterator[pl.DataFrame]:
    """The rows to be handed over; one batch of none where there are none, for its halves say which keys there are."""
    some = False
    for batch in gathered(good_pieces(vault, {0: item}, 0), ROWS):
        some = True
        yield joined_batches(batch)
    if not some:
        yield pl.DataFrame(schema={**dict.fromkeys(loan_columns(), pl.String()), **NOBODY})


def _halves(entry: Peer, made: _Pieces, rows: pl.DataFrame) -> bytes:
    bound = made.bound(HALVES)
    box = seal_box(entry.card.receiver, PEOPLE, bound, people_table(rows))
    return entry.call("POST", "/zone/halves", box, kind=BYTES, headers={BELONGS: bound.decode()}).body


def _table(rows: pl.DataFrame) -> bytes:
    return table_bytes(rows.to_arrow(compat_level=pl.CompatLevel.oldest()))


class _Pieces:
    """The pieces of one submission as they are numbered and sealed."""

    def __init__(self, registry: Peer, item: Submission) -> None:
        self._receiver = registry.card.receiver
        self._item = item
        self._counts = dict.fromkeys(PURPOSES, 0)

    def bound(self, kind: bytes) -> bytes:
        """What the next piece of that kind is bound to."""
        return belongs(self._item.id, self._item.attempt, self._counts[kind])

    def box(self, kind: bytes, content: bytes) -> bytes:
        """The next piece of that kind, sealed to the registry zone."""
        return self.next(kind, seal_box(self._receiver, PURPOSES[kind], self.bound(kind), content))

    def next(self, kind: bytes, sealed: bytes) -> bytes:
        """The next piece of that kind, as it is."""
        self._counts[kind] += 1
        return frame(kind, sealed)
