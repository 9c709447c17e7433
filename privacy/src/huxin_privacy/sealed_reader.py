"""Reading a sealed file from any place, chunk by chunk; nothing unproven ever leaves."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from cryptography.exceptions import InvalidTag

from huxin_privacy.errors import PrivacyError
from huxin_privacy.sealed_format import END, Context, read_frame
from huxin_privacy.sealing import TAG_BYTES, nonce
from huxin_privacy.submission_key import SubmissionKey

if TYPE_CHECKING:
    from typing_extensions import Buffer


class SealedReader(io.RawIOBase):
    """A seekable binary file over the clear content (for pyarrow.PythonFile, zipfile, polars).

    The last chunk is proven when the file is opened, so a cut is seen before anything is read. One
    chunk is kept in memory. Not for several threads at once.

    PrivacyError: P0130 (no sealed file), P0131 (another submission, purpose, stage or attempt),
    P0132 (cut short), P0133 (damaged or changed; also raised later, by the chunk that is read).
    """

    def __init__(self, path: Path, key: SubmissionKey, *, purpose: str, stage: str, attempt: int = 0) -> None:
        super().__init__()
        self._name, self._position = path.name, 0
        self._file: BinaryIO = path.open("rb", buffering=0)
        try:
            context = Context(purpose, key.submission, stage, attempt)
            self._frame = read_frame(self._file, key, context, self._name)
            body = self._body_length()
            self._end = len(self._frame.head) + body
            self._chunks = -(-body // self._frame.sealed_chunk)
            self._held_number, self._held = self._chunks - 1, self._last_chunk()
        except BaseException:
            self._file.close()
            raise
        self.size = body - self._chunks * TAG_BYTES

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise ValueError("seek before the start of a sealed file")
        self._position = start + offset
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to `size` bytes, all that are left without one; short only at the end."""
        self._require_open()
        left = max(self.size - self._position, 0)
        wanted = left if size is None or size < 0 else min(size, left)
        parts = []
        while wanted:
            part = self._piece(wanted)
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)

    def readall(self) -> bytes:
        return self.read()

    def readinto(self, buffer: Buffer, /) -> int:
        """Fill `buffer`; short only at the end."""
        self._require_open()
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), max(self.size - self._position, 0))
        done = 0
        while done < wanted:
            part = self._piece(wanted - done)
            view[done : done + len(part)] = part
            done += len(part)
        return done

    def close(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()
            self._held = b""
        super().close()

    def _require_open(self) -> None:
        if self.closed:
            raise ValueError("read from a closed sealed file")

    def _piece(self, most: int) -> memoryview:
        # What of the chunk at the position is wanted; the position moves on.
        number, place = divmod(self._position, self._frame.chunk)
        if number != self._held_number:
            self._held = self._chunk(number)
            self._held_number = number
        piece = memoryview(self._held)[place : place + most]
        self._position += len(piece)
        return piece

    def _body_length(self) -> int:
        whole = os.fstat(self._file.fileno()).st_size
        body = whole - len(self._frame.head) - len(END)
        if body < TAG_BYTES:
            raise PrivacyError("P0132", name=self._name)
        if os.pread(self._file.fileno(), len(END), whole - len(END)) != END:
            raise PrivacyError("P0132", name=self._name)
        return body

    def _last_chunk(self) -> bytes:
        number = self._chunks - 1
        try:
            return self._opened(number, last=True)
        except InvalidTag:
            pass
        try:
            self._opened(number, last=False)
        except InvalidTag:
            raise PrivacyError("P0133", name=self._name) from None
        raise PrivacyError("P0132", name=self._name)  # whole, but others came after it

    def _chunk(self, number: int) -> bytes:
        try:
            return self._opened(number, last=number == self._chunks - 1)
        except InvalidTag:
            raise PrivacyError("P0133", name=self._name) from None

    def _opened(self, number: int, *, last: bool) -> bytes:
        place = len(self._frame.head) + number * self._frame.sealed_chunk
        length = min(self._frame.sealed_chunk, self._end - place)
        sealed = os.pread(self._file.fileno(), length, place)
        return self._frame.cipher.decrypt(nonce(number, last), sealed, self._frame.head)
