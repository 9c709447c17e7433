"""One file as it comes, from a folder or over the wire: sealed in one pass, and judged by what needs no row."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from huxin.contract import State
from huxin.nightly import spool
from huxin.nightly.admission import admit
from huxin.nightly.spool import Spool
from huxin.nightly.unsealing import CHECK, Unsealing
from huxin.registry.members import UNKNOWN, Member
from huxin.registry.submissions import Submission
from huxin.settings import Settings
from huxin_checks.admission import Refusal
from huxin_checks.manifest import MODES, Manifest, ManifestFault, parse_manifest
from huxin_privacy.sealed_submission import Facts

# What a manifest calls its contract is stored only where it looks like one: it might be anything.
_CONTRACT = re.compile(r"[a-z-]{1,16}/v[0-9]{1,4}")

_WORTH_A_THREAD = 1 << 20  # bytes; a thread for each of a thousand small files costs more than it saves


@dataclass(frozen=True)
class Sealed:
    """What is known of a file's bytes: their count, their SHA-256, and whether they are all of the file.

    Of a sealed submission they are its content's, with the `facts` that it was bound to; where a `fault` (P015x) stood
    against it, they are those of the file as it was sent, of which nothing is kept.
    """

    size: int
    digest: bytes
    whole: bool = True
    facts: Facts | None = None
    fault: str | None = None


@dataclass(frozen=True)
class Origin:
    """Who sent a file, under which name (fit for display), and the mark of a way other than the inbox."""

    sender: str
    member: Member | None
    file: str
    came: str | None = None


class Sink(Protocol):
    """Where a file's bytes go."""

    def write(self, block: bytes, /) -> object: ...


def seal(vault: Spool, submission_id: UUID, blocks: Iterable[bytes | None], sender: str) -> Sealed:
    """Copies a file's blocks sealed into the spool; None among them says that the next cannot be read.

    A file that cannot be read is sealed as far as it can be; a sealed submission of `sender` is opened on the way.
    What `blocks` raises passes through, and nothing of the file is in its place then. A full disk is H0612.
    """
    plain = Unsealing(blocks, sender, vault.private_key)
    with spool.room():
        vault.create(submission_id)
        with vault.writer(submission_id, spool.SOURCE) as sealed:
            found = copied(sealed, plain)
    if plain.fault is None:
        return replace(found, facts=plain.facts)
    vault.forget(submission_id)  # half a content, which was not proved
    return Sealed(plain.raw_size, plain.raw_digest, found.whole, fault=plain.fault)


def copied(target: Sink, blocks: Iterable[bytes | None]) -> Sealed:
    """Writes the blocks to `target` and takes their digest on the way."""
    digest = hashlib.sha256()
    size = 0
    with ThreadPoolExecutor(1) as hasher:
        pending = None
        for block in blocks:
            # The digest of one block is taken while the next is sealed: both leave the interpreter's lock.
            if pending:
                pending.result()
            if block is None:
                return Sealed(size, digest.digest(), whole=False)
            if len(block) < _WORTH_A_THREAD:
                digest.update(block)
                pending = None
            else:
                pending = hasher.submit(digest.update, block)
            target.write(block)
            size += len(block)
    return Sealed(size, digest.digest())


def judged(settings: Settings, submission_id: UUID, origin: Origin, raw: bytes, sealed: Sealed) -> Submission:
    """The submission of a sealed file and its manifest's bytes: received, or refused before any row is read."""
    now = settings.now()
    came = {"came": origin.came} if origin.came else {}
    base = Submission(
        member_id=origin.member.id if origin.member else UNKNOWN,
        id=submission_id,
        state=State.RECEIVED,
        sender=origin.sender,
        file=origin.file,
        data_digest=sealed.digest,
        manifest_digest=hashlib.sha256(raw).digest(),
        received_at=now,
        changed_at=now,
        facts={"size": sealed.size, **came},
    )
    try:
        manifest = parse_manifest(raw)
    except ManifestFault as fault:
        return refuse(base, Refusal("F0010", fault.reason))
    told = _told(base, manifest)
    refusal = admit(manifest, origin.sender, origin.member, sealed.digest.hex(), settings.today())
    # Other reasons of a manifest say less of a file that could not be opened.
    if refusal is None or refusal.reason in ("digest", "before_policy", "future"):
        refusal = _unopened(sealed, manifest) or refusal
    return refuse(told, refusal) if refusal else told


def _unopened(sealed: Sealed, manifest: Manifest) -> Refusal | None:
    """Why the bytes themselves cannot be gone on with."""
    if not sealed.whole:
        return Refusal("F0004", "not_plain")
    if sealed.fault:
        return Refusal(CHECK, sealed.fault)
    other = sealed.facts and sealed.facts.contract != manifest.contract
    return Refusal(CHECK, "P0154") if other else None


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
        facts=base.facts | sums | ({"element_key": manifest.element_key} if manifest.element_key else {}),
    )
