"""Writing a sealed file: under a temporary name, in its place only when all went well."""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from huxin_privacy.files import open_private, put_in_place, temporary_beside
from huxin_privacy.sealed_format import CHUNK_BYTES, END, Context, Frame, new_frame
from huxin_privacy.sealing import nonce
from huxin_privacy.submission_key import SubmissionKey

if TYPE_CHECKING:
    from typing_extensions import Buffer


class SealedWriter(io.RawIOBase):
    """A binary file to write to, sealed with AES-256-GCM chunk by chunk.

    In a `with` block the file takes its place when the block ends well; an exception leaves nothing,
    also when a library in between has closed the writer already. Without a block `close` puts it in
    place and `discard` drops it; a writer that is merely forgotten leaves nothing. `fsync` makes the
    file durable before it takes its place. Writing costs one chunk of memory.
    """

    def __init__(
        self,
        path: Path,
        key: SubmissionKey,
        *,
        purpose: str,
        stage: str,
        attempt: int = 0,
        chunk: int = CHUNK_BYTES,
        fsync: bool = True,
    ) -> None:
        super().__init__()
        self._path, self._fsync = path, fsync
        self._frame: Frame = new_frame(key, Context(purpose, key.submission, stage, attempt), chunk)
        self._temporary = temporary_beside(path)
        self._buffer = bytearray()  # grows to a chunk once; small files never need that much
        self._held = self._number = self._written = 0
        self._in_block = self._done = False
        self._file: BinaryIO = os.fdopen(open_private(self._temporary), "wb", buffering=0)
        self._put(self._frame.head)

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        """Bytes written so far, in clear."""
        return self._written

    def write(self, content: Buffer, /) -> int:
        """Take all of `content`; every full chunk that is surely not the last is sealed at once."""
        if self.closed:
            raise ValueError("write to a closed sealed file")
        view = memoryview(content).cast("B")
        start, length = 0, len(view)
        while self._held + length - start > self._frame.chunk:
            stop = start + self._frame.chunk - self._held
            if self._held:
                self._hold(view[start:stop])
                self._seal_held(last=False)
            else:
                self._seal(view[start:stop], last=False)
            start = stop
        self._hold(view[start:])
        self._written += length
        return length

    def close(self) -> None:
        """Seal the last chunk and, outside a `with` block, put the file in its place."""
        if self.closed:
            return
        try:
            if not self._done:
                self._finish()
                if not self._in_block:
                    self._commit()
        except BaseException:
            self.discard()
            raise
        finally:
            super().close()

    def discard(self) -> None:
        """Drop what was written."""
        self._done = True
        self._file.close()
        self._temporary.unlink(missing_ok=True)
        super().close()

    def __enter__(self) -> SealedWriter:
        self._in_block = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.discard()
            return
        self.close()
        if not self._done:
            self._commit()

    def __del__(self) -> None:
        # The base class would close, and so publish, a file that nobody finished.
        if hasattr(self, "_file") and not self._done:
            self.discard()

    def _finish(self) -> None:
        self._seal_held(last=True)
        self._put(END)
        if self._fsync:
            os.fsync(self._file.fileno())
        self._file.close()

    def _commit(self) -> None:
        put_in_place(self._temporary, self._path, fsync=self._fsync)
        self._done = True

    def _hold(self, content: memoryview) -> None:
        end = self._held + len(content)
        if end > len(self._buffer):
            wanted = min(max(end, 2 * len(self._buffer)), self._frame.chunk)
            self._buffer.extend(bytes(wanted - len(self._buffer)))
        self._buffer[self._held : end] = content
        self._held = end

    def _seal_held(self, *, last: bool) -> None:
        with memoryview(self._buffer) as whole, whole[: self._held] as held:
            self._seal(held, last=last)
        self._held = 0

    def _seal(self, content: memoryview, *, last: bool) -> None:
        self._put(self._frame.cipher.encrypt(nonce(self._number, last), content, self._frame.head))
        self._number += 1

    def _put(self, content: bytes) -> None:
        # A raw file may take less than it is given (a disk that fills up): go on until it raises.
        view = memoryview(content)
        while view:
            view = view[self._file.write(view) :]
