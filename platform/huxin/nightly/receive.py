"""The receive step: what lies complete in the inbox is sealed, and a submission is recorded for it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from uuid import UUID

from huxin import faults
from huxin.contract import State
from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.nightly import spool
from huxin.nightly.admission import Refusal, admit
from huxin.nightly.inbox import Arrival, open_regular
from huxin.nightly.manifest import LIMIT, Manifest, ManifestFault, parse_manifest
from huxin.nightly.restoring import restore
from huxin.nightly.spool import Spool
from huxin.registry.members import UNKNOWN, Member, list_members
from huxin.registry.session import connection
from huxin.registry.submissions import MODES, Submission, add, known
from huxin.settings import Settings

_BLOCK = 4 << 20
# What a manifest calls its contract is stored only where it looks like one: it might be anything.
_CONTRACT = re.compile(r"[a-z]{1,16}/v[0-9]{1,4}")


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
    taken = []
    shortage = None
    with vault.receiving():
        for arrival in found:
            try:
                taken.append(_take(settings, vault, arrival, members.get(arrival.sender)))
            except HuxinError as error:
                shortage = error
                break
            if progress:
                progress(arrival)
        faults.reach("receive.sealed")
        results = _record(settings, vault, taken)
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


def _record(settings: Settings, vault: Spool, taken: list[Submission]) -> list[Received]:
    """Adds those not known by their digests; what was sealed for the others in vain is forgotten."""
    first = {item.pair: item.id for item in reversed(taken)}
    with connection(settings) as database:
        before = {item.pair: item for item in known(database, (item.pair for item in taken))}
        add(database, [item for item in taken if item.pair not in before and first[item.pair] == item.id])
        now = {item.pair: item for item in known(database, (item.pair for item in taken))}
    restore(settings, vault, [(now[item.pair].id, item.id) for item in taken if item.pair in before])
    for item in taken:
        if now[item.pair].id != item.id:
            vault.forget(item.id)
    return [Received(now[item.pair], now[item.pair].id == item.id) for item in taken]


def _take(settings: Settings, vault: Spool, arrival: Arrival, member: Member | None) -> Submission:
    """Seals one file and judges what needs no row."""
    submission_id = new_id()
    raw = _manifest_bytes(arrival.manifest)
    try:
        with spool.room():
            vault.create(submission_id)
            size, digest, whole = _seal(vault, submission_id, arrival.data)
    except BaseException:
        vault.forget(submission_id)
        raise
    now = settings.now()
    base = Submission(
        member_id=member.id if member else UNKNOWN,
        id=submission_id,
        state=State.RECEIVED,
        sender=arrival.sender,
        file=arrival.file,
        data_digest=digest,
        manifest_digest=hashlib.sha256(raw).digest(),
        received_at=now,
        changed_at=now,
        facts={"size": size},
    )
    try:
        manifest = parse_manifest(raw)
    except ManifestFault as fault:
        return refuse(base, Refusal("F0010", fault.reason))
    told = _told(base, manifest)
    refusal = admit(manifest, arrival.sender, member, digest.hex(), settings.today())
    if not whole and (refusal is None or refusal.reason == "digest"):
        refusal = Refusal("F0004", "not_plain")
    return refuse(told, refusal) if refusal else told


def refuse(item: Submission, refusal: Refusal) -> Submission:
    """The submission as refused before any of its rows was read."""
    facts = item.facts | {"code": refusal.code, "reason": refusal.reason}
    return replace(
        item,
        state=State.REFUSED,
        rows=0,
        accepted=0,
        rejected=0,
        warned=0,
        codes={refusal.code: 1},
        facts=facts,
    )


def _told(base: Submission, manifest: Manifest) -> Submission:
    sums = {"sum_principal": str(manifest.sum_principal), "sum_balance": str(manifest.sum_balance)}
    return replace(
        base,
        contract=manifest.contract if _CONTRACT.fullmatch(manifest.contract) else None,
        as_of_date=manifest.as_of_date,
        sequence=manifest.sequence,
        mode=MODES[manifest.mode],
        record_count=manifest.record_count,
        facts=base.facts | sums,
    )


def _manifest_bytes(path: Path) -> bytes:
    try:
        with os.fdopen(open_regular(path), "rb") as source:
            return source.read(LIMIT + 1)
    except OSError:
        return b""


def _seal(vault: Spool, submission_id: UUID, path: Path) -> tuple[int, bytes, bool]:
    """Copies a file sealed into the spool in one pass; returns its size, its SHA-256 and whether that is all of it.

    A file that cannot be read, as it is missing or a link, is sealed as far as it can be: not at all.
    """
    digest = hashlib.sha256()
    size = 0
    whole = True
    with vault.writer(submission_id, spool.SOURCE) as sealed, ThreadPoolExecutor(1) as hasher:
        pending = None
        for block in _blocks(path):
            if block is None:
                whole = False
                break
            # The digest of one block is taken while the next is sealed: both leave the interpreter's lock.
            if pending:
                pending.result()
            pending = hasher.submit(digest.update, block)
            sealed.write(block)
            size += len(block)
    return size, digest.digest(), whole


def _blocks(path: Path) -> Iterator[bytes | None]:
    """The file's blocks, None where the next one cannot be read: its sender's fault holds nobody else."""
    try:
        with os.fdopen(open_regular(path), "rb", buffering=0) as source:
            while block := source.read(_BLOCK):
                yield block
    except OSError:
        yield None
