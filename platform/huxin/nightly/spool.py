"""The sealed files between the steps: one folder and one key a submission; dropping the key forgets them.

Nothing is fsynced: what is lost with the machine's power is found damaged, and made anew from the member's file when
that is received once more (see `restoring`).
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast
from uuid import UUID

import polars as pl
import pyarrow as pa

from huxin.errors import HuxinError
from huxin.settings import Settings
from huxin.zones.layout import spool_ring
from huxin_privacy import keyring
from huxin_privacy.intake_keys import private_for
from huxin_privacy.vault import SealedReader, SealedWriter, SubmissionKey, exists

SOURCE = "source"  # the member's file as sent
ROWS = "rows"  # typed good rows, identifiers canonical
REJECTED = "rejected"  # loan numbers of rows that a row check rejected
SET_KEYS = "set-keys"  # of a huge file, part by part: what the set checks need of each row
DROPPED = "dropped"  # record numbers among ROWS that a set check rejected
REJECTED_SET = "rejected-set"  # their loan numbers
QUARANTINE = "quarantine"  # original rows that a row check rejected
QUARANTINE_SET = "quarantine-set"  # original rows that a set check rejected
COMPANIONS = (
    "companions"  # original good rows of loans that have a rejected one: a loan is sent with all its parties
)
KEYS = "keys"  # loan numbers, tokens, digests
LOANS = "loans"  # what the member says of its loans, without identifiers

HELD = (QUARANTINE, QUARANTINE_SET, COMPANIONS)
# The source goes with the rows that were made of it: between two steps that make files, thousands of removals would
# have a file system like ext4 pass over each freed inode whenever it makes the next.
AFTER_VALIDATION = (SOURCE, ROWS, REJECTED, DROPPED, *HELD)
AFTER_TOKENS = (KEYS, LOANS, REJECTED, REJECTED_SET, *HELD)
AFTER_PUBLISHING = HELD

_PURPOSE = "spool"
_LOCK = ".lock"
_SHORT = 1 << 20  # bytes that cost less memory than time if they are read or written piece by piece
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def room() -> Iterator[None]:
    """Tells that the disk is full (or a quota reached) as HuxinError H0612."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise HuxinError("H0612") from None
        raise


class Spool:
    """The spool of one HUXIN_HOME, opened with the intake zone's keyring (a split-off registry zone has its own)."""

    def __init__(self, settings: Settings) -> None:
        self._root = settings.spool_dir
        self._intake = keyring.open(settings.keys_dir, spool_ring(settings))
        self._keys: dict[UUID, SubmissionKey] = {}

    def private_key(self, id_: bytes) -> bytes | None:
        """The private half of the intake zone's key of that id, for sealed submissions; None when it is none."""
        return private_for(self._intake, id_)

    def folder(self, submission_id: UUID) -> Path:
        """The submission's own folder."""
        return self._root / str(submission_id)

    def create(self, submission_id: UUID) -> None:
        """Makes the folder and the key of a new submission."""
        place = self.folder(submission_id)
        place.mkdir(mode=0o700, parents=True)
        made = SubmissionKey.create(place, self._intake, str(submission_id), fsync=False)
        self._keys[submission_id] = made

    def ready(self, submission_id: UUID) -> None:
        """Makes folder and key where there is no whole pair of them yet."""
        if not exists(self.folder(submission_id)):
            self.forget(submission_id)
            self.create(submission_id)

    def holds(self, submission_id: UUID, stage: str) -> bool:
        """Whether a stage's sealed file is there."""
        return self._path(submission_id, stage).exists()

    def writer(self, submission_id: UUID, stage: str) -> SealedWriter:
        """A new sealed file; whatever stands there is replaced when it is closed."""
        return SealedWriter(
            self._path(submission_id, stage),
            self._key(submission_id),
            purpose=_PURPOSE,
            stage=stage,
            fsync=False,
        )

    def reader(self, submission_id: UUID, stage: str) -> BinaryIO:
        """The clear content of a sealed file, seekable. PrivacyError P0130-P0135."""
        path, key = self._path(submission_id, stage), self._key(submission_id)
        return cast(BinaryIO, SealedReader(path, key, purpose=_PURPOSE, stage=stage))

    def frame_writer(self, submission_id: UUID, stage: str) -> ArrowWriter:
        """A sealed Arrow stream to write frames or tables to."""
        return ArrowWriter(self.writer(submission_id, stage))

    def write_frame(self, submission_id: UUID, stage: str, frame: pl.DataFrame) -> None:
        """Seals one frame as a stage."""
        writer = self.frame_writer(submission_id, stage)
        writer.write(frame)
        writer.close()

    def read_batches(self, submission_id: UUID, stage: str) -> Iterator[pa.RecordBatch]:
        """The record batches of a sealed Arrow stream; none when there is no such file."""
        if not self._path(submission_id, stage).exists():
            return
        with self.reader(submission_id, stage) as source, pa.ipc.open_stream(_at_once(source)) as stream:
            yield from stream

    def read_frames(self, submission_id: UUID, stage: str) -> Iterator[pl.DataFrame]:
        """The frames of a sealed stream; none when there is no such file."""
        for batch in self.read_batches(submission_id, stage):
            yield pl.DataFrame(pl.from_arrow(batch))

    def read_frame(self, submission_id: UUID, stage: str) -> pl.DataFrame | None:
        """The whole of a sealed stream as one frame, None when there is no such file."""
        frames = list(self.read_frames(submission_id, stage))
        return pl.concat(frames) if frames else None

    @contextmanager
    def trying(self, ids: Iterable[UUID], keep: tuple[str, ...]) -> Iterator[None]:
        """One try at a step: what an earlier one left beside `keep` goes first, and this one's own if it fails.

        To end before the step is recorded, for after that its files are what the next step reads.
        A full disk is HuxinError H0612.
        """
        whole = list(ids)
        try:
            for each in whole:
                self._drop(each, keep)
            with room():
                yield
        except BaseException:
            for each in whole:
                self._drop(each, keep)
            raise

    def forget(self, submission_id: UUID, keep: tuple[str, ...] = ()) -> None:
        """Removes sealed files except the stages kept; when none of those is left, the key and all."""
        if not self._drop(submission_id, keep):
            shutil.rmtree(self.folder(submission_id), ignore_errors=True)
            self._keys.pop(submission_id, None)

    def folders(self) -> dict[UUID, set[str]]:
        """The submissions that have a folder here, with the names of the files in it."""
        found: dict[UUID, set[str]] = {}
        for entry in os.scandir(self._root):
            if entry.is_dir(follow_symlinks=False):
                with suppress(FileNotFoundError):  # another process has forgotten it meanwhile
                    found[UUID(entry.name)] = {file.name for file in Path(entry.path).iterdir()}
        return found

    @contextmanager
    def receiving(self) -> Iterator[None]:
        """While files are sealed of which no submission is on record yet. Ends with the process at the latest."""
        with self._lock() as handle:
            fcntl.flock(handle, fcntl.LOCK_SH)
            yield

    @contextmanager
    def nobody_receiving(self) -> Iterator[bool]:
        """Whether no process is receiving; if so, none begins before the block ends."""
        with self._lock() as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    @contextmanager
    def _lock(self) -> Iterator[int]:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            yield handle
        finally:
            os.close(handle)

    def _drop(self, submission_id: UUID, keep: tuple[str, ...]) -> bool:
        """Removes all but the key and the stages kept; whether one of those is there."""
        place = self.folder(submission_id)
        names = {f"{stage}.sealed" for stage in keep}
        entries = list(place.iterdir()) if place.is_dir() else []
        for entry in entries:
            if entry.name not in names and entry.name != "key":
                entry.unlink(missing_ok=True)
        return any(entry.name in names for entry in entries)

    def _path(self, submission_id: UUID, stage: str) -> Path:
        return self.folder(submission_id) / f"{stage}.sealed"

    def _key(self, submission_id: UUID) -> SubmissionKey:
        if submission_id not in self._keys:
            place = self.folder(submission_id)
            self._keys[submission_id] = SubmissionKey.load(place, self._intake, str(submission_id))
        return self._keys[submission_id]


class ArrowWriter:
    """A sealed Arrow stream, opened with the first table's schema; in its place only after `close`.

    A short one is laid out in memory and sealed at once: Arrow writes each buffer of each column by itself.
    """

    def __init__(self, sealed: SealedWriter) -> None:
        self._sealed = sealed
        self._stream: pa.ipc.RecordBatchStreamWriter | None = None
        self._held: list[pa.Table] = []
        self._size = 0

    def __enter__(self) -> ArrowWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        (self.abandon if kind else self.close)()

    def write(self, frame: pl.DataFrame) -> None:
        """Appends a frame."""
        self.write_table(arrow_of(frame))

    def write_table(self, table: pa.Table) -> None:
        """Appends a table of the same schema as the first."""
        if self._stream is not None:
            self._stream.write_table(table)
            return
        self._held.append(table)
        self._size += table.nbytes
        if self._size > _SHORT:
            self._stream = self._begun(self._sealed)

    def close(self) -> None:
        """Puts the file in its place; a writer that got no table leaves none."""
        if self._stream is not None:
            self._stream.close()
        elif self._held:
            whole = pa.BufferOutputStream()
            self._begun(whole).close()
            self._sealed.write(whole.getvalue())
        else:
            self._sealed.discard()
            return
        self._sealed.close()

    def abandon(self) -> None:
        """Drops what was written."""
        self._held.clear()
        self._sealed.discard()

    def _begun(self, sink: SealedWriter | pa.BufferOutputStream) -> pa.ipc.RecordBatchStreamWriter:
        """A stream into `sink`, with what was held."""
        stream = pa.ipc.new_stream(sink, self._held[0].schema)
        for table in self._held:
            stream.write_table(table)
        self._held.clear()
        return stream


def _at_once(source: BinaryIO) -> BinaryIO | pa.Buffer:
    """A short file's content, so that Arrow need not ask for each piece of it; of a longer one the file."""
    return pa.py_buffer(source.read()) if cast(SealedReader, source).size <= _SHORT else source


def arrow_of(frame: pl.DataFrame) -> pa.Table:
    """A frame as sealed files hold it: its text columns as plain Arrow text."""
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())
