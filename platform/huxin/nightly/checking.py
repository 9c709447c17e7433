"""A file checked without being filed: every check of validation, in memory, with nothing written anywhere.

It runs in a process of its own (`python -m huxin.nightly.checking`), which has no key and no way to the database: a
hostile file can take down nothing else, Great Expectations stays out of the API's processes, and whichever of the two
is killed, nothing is left. The process is kept for the next file.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import select
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from io import FileIO, RawIOBase
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import polars as pl
import pyarrow as pa

from huxin.contract import State
from huxin.ids import new_id
from huxin.nightly import report, spool
from huxin.nightly.check_frames import ANSWER, FRAME
from huxin.nightly.spool import ArrowWriter, Spool
from huxin.nightly.taking import Origin, Sealed, judged, refuse
from huxin.nightly.unsealing import CHECK
from huxin.nightly.validate.step import examine
from huxin.registry.members import Member
from huxin.registry.submissions import Submission
from huxin.settings import Settings
from huxin_checks.admission import Refusal
from huxin_checks.finding import Finding
from huxin_checks.manifest import MODES
from huxin_checks.telling import told
from huxin_privacy.sealed_submission import is_sealed

MOST_TOLD = 5_000
IDLE = 600.0  # seconds after which the process ends


@dataclass(frozen=True)
class Asked:
    """What goes with a file to be checked; without `manifest` it is a whole book of today."""

    now: str
    language: str
    member: str
    file: str
    manifest: str | None


def checked(asked: Asked, data: bytes) -> dict[str, Any]:
    """The outcome of validation and its findings (values masked), in JSON's own types."""
    settings = Settings(Path("/"), fixed_now=datetime.fromisoformat(asked.now), language=asked.language)
    item = _submission(settings, asked, data)
    found: list[Finding] = []
    if item.state == State.RECEIVED:
        item, found = examine(settings, _Memory(data), item)
    findings = [
        *report.told_refusal(item, asked.language),
        *told(sorted(found, key=lambda each: (each.record, each.code, each.field)), asked.language),
    ]
    return {
        "state": item.state.name,
        "member": asked.member,
        "as_of_date": item.as_of_date.isoformat() if item.as_of_date else None,
        "sequence": item.sequence,
        "mode": item.mode,
        "rows": item.rows,
        "accepted": item.accepted,
        "rejected": item.rejected,
        "warned": item.warned,
        "codes": item.codes,
        "facts": item.facts,
        "sha256": item.data_digest.hex(),
        "ruleset": item.ruleset,
        "findings": [vars(each) for each in findings[:MOST_TOLD]],
        "more": max(0, len(findings) - MOST_TOLD) + int(item.facts.get("findings_cut", 0)),
    }


def _submission(settings: Settings, asked: Asked, data: bytes) -> Submission:
    member = Member(1, asked.member, "", "active", None, None)
    origin = Origin(asked.member, member, asked.file)
    sealed = Sealed(len(data), hashlib.sha256(data).digest())
    if is_sealed(data[:16]):
        sealed = replace(sealed, fault="sealed")
    if asked.manifest is not None:
        return judged(settings, new_id(), origin, asked.manifest.encode("utf-8", "surrogateescape"), sealed)
    bare = judged(settings, new_id(), origin, b"", sealed)
    facts = {"size": len(data)}
    whole = replace(
        bare, state=State.RECEIVED, as_of_date=settings.today(), mode=MODES["full"], codes={}, facts=facts
    )
    return refuse(whole, Refusal(CHECK, sealed.fault)) if sealed.fault else whole


class _Memory(Spool):
    """A spool that holds one file in memory, keeps what the set checks need, and lets go of everything else."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._kept: dict[str, list[pl.DataFrame]] = {}

    def reader(self, submission_id: UUID, stage: str) -> BinaryIO:
        return io.BytesIO(self._data)

    def frame_writer(self, submission_id: UUID, stage: str) -> ArrowWriter:
        kept = self._kept.setdefault(stage, []) if stage.startswith(spool.SET_KEYS) else None
        return _Writer(kept)

    def read_frames(self, submission_id: UUID, stage: str) -> Iterator[pl.DataFrame]:
        return iter(self._kept.pop(stage, []))


class _Writer(ArrowWriter):
    """Keeps frames in a list, or drops them where there is none."""

    def __init__(self, kept: list[pl.DataFrame] | None) -> None:
        self._list = kept

    def write(self, frame: pl.DataFrame) -> None:
        if self._list is not None:
            self._list.append(frame)

    def write_table(self, table: pa.Table) -> None:
        if self._list is not None:
            self._list.append(pl.DataFrame(pl.from_arrow(table)))

    def close(self) -> None: ...

    def abandon(self) -> None: ...


def serve(source: RawIOBase, target: BinaryIO) -> None:
    """Answers one file after another until the asker is gone, or silent for IDLE seconds.

    `source` is not buffered: frames that a buffer had taken already would be waited for in vain.
    """
    while select.select([source], [], [], IDLE)[0]:
        data = bytearray()
        kind, content = _frame(source)
        while kind == b"D":
            data += content
            kind, content = _frame(source)
        if kind == b"A":  # the asker lost interest
            continue
        if kind != b"E":
            return
        answer = _answer(json.loads(content), bytes(data))
        target.write(ANSWER.pack(len(answer)) + answer)
        target.flush()


def _answer(asked: dict[str, Any], data: bytes) -> bytes:
    try:
        return json.dumps(checked(Asked(**asked), data)).encode()
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":  # polars' is none
            raise
        return json.dumps({"fault": type(error).__name__}).encode()  # its text may quote a cell


def _frame(source: RawIOBase) -> tuple[bytes, bytes]:
    """The next frame; kind "" when the asker is gone."""
    head = _read(source, FRAME.size)
    if len(head) < FRAME.size:
        return b"", b""
    kind, length = FRAME.unpack(head)
    content = _read(source, length)
    return (kind, content) if len(content) == length else (b"", b"")


def _read(source: RawIOBase, count: int) -> bytes:
    """So many bytes; fewer when there is no more to come."""
    found = bytearray()
    while len(found) < count and (block := source.read(count - len(found))):
        found += block
    return bytes(found)


def _main() -> None:
    """Whatever a library writes goes nowhere: it might quote a cell."""
    target = os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    with FileIO(0, closefd=False) as source:
        serve(source, target)


if __name__ == "__main__":
    _main()
    sys.exit(0)
