"""Large files that come from a browser in parts, each sealed as it arrives: a broken connection costs one part.

They wait in a folder of their own beside the spool, under a key each, until their sender files them or lets go of them;
what nobody comes back to is taken away when the same member begins another, or the day after.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast
from uuid import UUID

from huxin.errors import HuxinError
from huxin.ids import id_at, moment_of
from huxin.nightly.filing import plain_name
from huxin.nightly.spool import Spool, room
from huxin.settings import Settings
from huxin_privacy.errors import PrivacyError

if TYPE_CHECKING:
    from typing_extensions import Buffer

PART: Final = 4 << 20
MOST_OPEN: Final = 4  # of one member; the oldest goes when there would be more
KEPT: Final = timedelta(days=1)
_ABOUT: Final = "about"
_MANIFEST: Final = "manifest"
_PART: Final = "part-"


@dataclass(frozen=True)
class Upload:
    """A file on its way: whose, its name fit for display, its size, and how many of its parts are here."""

    id: UUID
    member: str
    name: str
    size: int
    have: int

    @property
    def parts(self) -> int:
        return parts_of(self.size)

    @property
    def whole(self) -> bool:
        return self.have == self.parts


def parts_of(size: int) -> int:
    """How many parts a file of that many bytes comes in; an empty one in one."""
    return max(1, -(-size // PART))


class Uploads:
    """The uploads of one home; every act is by a member on its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._vault = _Vault(settings)

    def begin(self, member: str, name: str, size: int, limit: int) -> Upload:
        """A new one. HuxinError H1118 (larger than `limit` bytes), H0612 (the disk is full)."""
        if not 0 <= size <= limit:
            raise HuxinError("H1118", limit=limit)
        self._sweep(member)
        made = Upload(id_at(self._settings.now()), member, plain_name(name), size, 0)
        with room():
            self._vault.create(made.id)
            self._write(made.id, _ABOUT, json.dumps([member, made.name, size]).encode())
        return made

    def find(self, member: str, id_: UUID) -> Upload:
        """The member's upload as it stands. HuxinError H1412 when there is none, also where it is another's."""
        try:
            whose, name, size = json.loads(self._read(id_, _ABOUT))
        except (OSError, PrivacyError, ValueError):
            raise HuxinError("H1412") from None
        if whose != member:
            raise HuxinError("H1412")
        have = self._have(id_)
        return Upload(id_, member, name, size, have)

    def put(self, member: str, id_: UUID, number: int, content: bytes) -> Upload:
        """Seals a part; one that comes again takes its own place. HuxinError H1412, H1413 (no such part, or size)."""
        upload = self.find(member, id_)
        last = upload.size - (upload.parts - 1) * PART
        if not 0 <= number < upload.parts or len(content) != (PART if number < upload.parts - 1 else last):
            raise HuxinError("H1413", number=number)
        with room():
            self._write(id_, f"{_PART}{number:05d}", content)
        return self.find(member, id_)

    def opened(self, upload: Upload) -> BinaryIO:
        """The file's clear content, seekable. HuxinError H1414 while parts are missing."""
        if not upload.whole:
            raise HuxinError("H1414", missing=upload.parts - upload.have)
        joined = _Joined(lambda number: self._vault.reader(upload.id, f"{_PART}{number:05d}"), upload.size)
        return cast(BinaryIO, io.BufferedReader(joined, 1 << 20))

    def blocks(self, upload: Upload) -> Iterator[bytes]:
        """The file's bytes in order, once."""
        with self.opened(upload) as source:
            while block := source.read(1 << 20):
                yield block

    def digest(self, upload: Upload) -> bytes:
        """SHA-256 of the whole."""
        found = hashlib.sha256()
        for block in self.blocks(upload):
            found.update(block)
        return found.digest()

    def keep_manifest(self, upload: Upload, content: bytes) -> None:
        """Keeps what was worked out of the file beside it, sealed."""
        with room():
            self._write(upload.id, _MANIFEST, content)

    def manifest(self, upload: Upload) -> bytes | None:
        """What `keep_manifest` kept; None where it did not."""
        return self._read(upload.id, _MANIFEST) if self._vault.holds(upload.id, _MANIFEST) else None

    def forget(self, id_: UUID) -> None:
        """Takes it away, its key first."""
        with suppress(OSError):
            (self._vault.folder(id_) / "key").unlink(missing_ok=True)
        self._vault.forget(id_)

    def _have(self, id_: UUID) -> int:
        return len({file.name for file in self._vault.folder(id_).glob(f"{_PART}?????.sealed")})

    def _sweep(self, member: str) -> None:
        """What is too old goes, and the oldest of the member's own beyond what it may hold open."""
        mine: list[UUID] = []
        for id_ in sorted(self._vault.open_ids()):
            if self._settings.now() - moment_of(id_) > KEPT:
                self.forget(id_)
                continue
            with suppress(HuxinError):
                mine.append(self.find(member, id_).id)
        for id_ in mine[: max(0, len(mine) - MOST_OPEN + 1)]:
            self.forget(id_)

    def _write(self, id_: UUID, stage: str, content: bytes) -> None:
        with self._vault.writer(id_, stage) as target:
            target.write(content)

    def _read(self, id_: UUID, stage: str) -> bytes:
        with self._vault.reader(id_, stage) as source:
            return source.read()


class _Vault(Spool):
    """A spool in a folder of its own: nothing here is a submission, and no night looks into it."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._root: Path = settings.home / "uploads"

    def open_ids(self) -> list[UUID]:
        return list(self.folders()) if self._root.is_dir() else []


class _Joined(io.RawIOBase):
    """The parts as one file; one of them is open at a time."""

    def __init__(self, open_part: Callable[[int], BinaryIO], size: int) -> None:
        super().__init__()
        self._open_part, self._size, self._place = open_part, size, 0
        self._number, self._part = -1, cast(BinaryIO, None)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, begin + offset)
        return self._place

    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer).cast("B")
        number, within = divmod(self._place, PART)
        if self._place >= self._size or not len(view):
            return 0
        part = self._at(number)
        part.seek(within)
        content: Any = part.read(min(len(view), PART - within))
        view[: len(content)] = content
        self._place += len(content)
        return len(content)

    def close(self) -> None:
        if not self.closed and self._part is not None:
            self._part.close()
        super().close()

    def _at(self, number: int) -> BinaryIO:
        if number != self._number:
            if self._part is not None:
                self._part.close()
            self._part, self._number = self._open_part(number), number
        return self._part
