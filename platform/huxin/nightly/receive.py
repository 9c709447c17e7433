"""The receive step: what lies complete in the inbox is sealed, and a submission is recorded for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

from huxin import faults
from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.nightly.inbox import Arrival, open_regular
from huxin.nightly.lanes import in_lanes
from huxin.nightly.restoring import came_too_early, restore, take_up
from huxin.nightly.spool import Spool
from huxin.nightly.taking import Origin, judged, seal
from huxin.registry.members import Member, list_members
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, add, known
from huxin.settings import Settings
from huxin_checks.manifest import LIMIT, ManifestFault, parse_manifest

_BLOCK = 4 << 20


@dataclass(frozen=True)
class Received:
    """One arrival's submission; `fresh` when this call recorded it, otherwise it was there before."""

    submission: Submission
    fresh: bool


def receive(
    settings: Settings, found: Sequence[Arrival], progress: Callable[[Arrival], None] | None = None
) -> list[Received]:
    """Seals these arrivals and records them in one transaction, in their order.

    A file with its manifest that was received before is not received again. A link or a device is refused
    like a file that cannot be read. Raises HuxinError when the registry cannot be reached, and H0612 when the disk
    is full: what came before is on record all the same, so that working it makes room.
    """
    vault = Spool(settings)
    with connection(settings) as database:
        members = {member.code: member for member in list_members(database)}
    taken: list[Submission] = []
    shortage = None
    ids = [new_id() for _ in found]  # in the order of the arrivals, whoever is sealed first

    def take(place: int) -> Iterator[Submission]:
        arrival = found[place]
        yield _take(settings, vault, ids[place], arrival, members.get(arrival.sender))

    with vault.receiving():
        try:
            for arrival, item in zip(
                found, in_lanes(range(len(found)), take, 2, lambda item: 1), strict=True
            ):
                taken.append(item)
                if progress:
                    progress(arrival)
        except HuxinError as error:
            shortage = error
            _forget(vault, ids[len(taken) :])
        faults.reach("receive.sealed")
        results = record(settings, vault, taken)
    faults.reach("receive.recorded")
    if shortage:
        raise shortage
    return results


def as_of_date(arrival: Arrival) -> date | None:
    """The day that an arrival's manifest names, None when it cannot be read."""
    try:
        return parse_manifest(_manifest_bytes(arrival.manifest)).as_of_date
    except ManifestFault:
        return None


def record(
    settings: Settings, vault: Spool, taken: list[Submission], *, sent_now: bool = False
) -> list[Received]:
    """Adds those not known by their digests; what was sealed for the others in vain is forgotten.

    With `sent_now` each was sent by its member this moment. Then one that had come too early is judged anew; what lies
    in an inbox since then, its day mistyped maybe, does not come to life when that day comes. To be called while
    `vault.receiving()`, or the sealed files may be taken for somebody's leavings.
    """
    first = {item.pair: item.id for item in reversed(taken)}
    with connection(settings) as database:
        before = {item.pair: item for item in known(database, (item.pair for item in taken))}
        add(database, [item for item in taken if item.pair not in before and first[item.pair] == item.id])
        now = {item.pair: item for item in known(database, (item.pair for item in taken))}
    restore(settings, vault, [(now[item.pair].id, item.id) for item in taken if item.pair in before])
    early = [item for item in taken if item.pair in before and came_too_early(before[item.pair])]
    if sent_now and early:
        take_up(settings, vault, [(now[item.pair].id, item) for item in early])
        with connection(settings) as database:
            now = {item.pair: item for item in known(database, (item.pair for item in taken))}
    for item in taken:
        if now[item.pair].id != item.id:
            vault.forget(item.id)
    return [Received(now[item.pair], now[item.pair].id == item.id) for item in taken]


def _forget(vault: Spool, ids: Sequence[UUID]) -> None:
    """Takes back what the other lane has sealed of arrivals that come behind the one that failed."""
    for submission_id in ids:
        vault.forget(submission_id)


def _take(
    settings: Settings, vault: Spool, submission_id: UUID, arrival: Arrival, member: Member | None
) -> Submission:
    """Seals one file and judges what needs no row."""
    raw = _manifest_bytes(arrival.manifest)
    try:
        sealed = seal(vault, submission_id, _blocks(arrival.data), arrival.sender)
    except BaseException:
        vault.forget(submission_id)
        raise
    return judged(settings, submission_id, Origin(arrival.sender, member, arrival.file), raw, sealed)


def _manifest_bytes(path: Path) -> bytes:
    try:
        with os.fdopen(open_regular(path), "rb") as source:
            return source.read(LIMIT + 1)
    except OSError:
        return b""


def _blocks(path: Path) -> Iterator[bytes | None]:
    """The file's blocks, None where the next one cannot be read: its sender's fault holds nobody else."""
    try:
        with os.fdopen(open_regular(path), "rb", buffering=0) as source:
            while block := source.read(_BLOCK):
                yield block
    except OSError:
        yield None
