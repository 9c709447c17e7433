"""Files in a request: multipart/form-data (RFC 7578), read as it comes; never whole in memory, never in clear on disk.

Written here because Werkzeug's decoder changes a file's bytes where a line break is cut in two by the blocks they
come in, and puts a long file in clear into the temporary folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from werkzeug.http import parse_options_header

from huxin.errors import HuxinError

FORM = "multipart/form-data"
_BLOCK = 64 << 10  # a read has the API's ten seconds: a line of 7 kB/s is fast enough
_LONGEST_HEAD = 16 << 10
_MOST_PARTS = 8


@dataclass(frozen=True)
class Part:
    """One part of a form: its name, what the sender calls the file in it, and its bytes as they come, once."""

    name: str
    filename: str
    blocks: Iterator[bytes]

    def first(self, most: int) -> bytes:
        """The first bytes of the part, up to `most`; the others are read and dropped."""
        kept = bytearray()
        for block in self.blocks:
            kept += block[: most - len(kept)]
        return bytes(kept)


@dataclass(frozen=True)
class Body:
    """A request's body: its Content-Type, its length where that was said, how to read it, and the most it may have."""

    content_type: str
    length: int | None
    read: Callable[[int], bytes]
    limit: int


def parts(body: Body) -> Iterator[Part]:
    """The parts in their order; of one that is passed over the rest is dropped. Ended only by the form's own end.

    HuxinError H1119 (another content type), H1118 (beyond the limit), H1402 (malformed, or broken off).
    """
    kind, options = parse_options_header(body.content_type)
    boundary = options.get("boundary", "")
    if kind.lower() != FORM:
        raise HuxinError("H1119", wanted=FORM)
    if not 0 < len(boundary) <= 200 or not boundary.isascii():
        raise HuxinError("H1402")
    if body.length is not None and body.length > body.limit:
        raise HuxinError("H1118", limit=body.limit)
    form = _Form(body, b"\r\n--" + boundary.encode())
    for _ in form.blocks():  # what stands before the first part
        pass
    for _ in range(_MOST_PARTS):
        if form.ended():
            return
        name, filename = form.head()
        blocks = form.blocks()
        yield Part(name, filename, blocks)
        for _ in blocks:  # whatever the caller left
            pass
    if not form.ended():
        raise HuxinError("H1402")


class _Form:
    """The bytes of a body that wait to be understood, more of them read as they are needed."""

    def __init__(self, body: Body, delimiter: bytes) -> None:
        self._body = body
        self._delimiter = delimiter
        self._held = bytearray(b"\r\n")  # the first delimiter may stand at the very beginning
        self._taken = 0

    def blocks(self) -> Iterator[bytes]:
        """The bytes up to the next delimiter, which is taken away behind them."""
        margin = len(self._delimiter) - 1
        while (end := self._held.find(self._delimiter)) < 0:
            ready = len(self._held) - margin
            if ready > 0:
                yield self._cut(ready)
            self._more()
        if end:
            yield self._cut(end)
        del self._held[: len(self._delimiter)]

    def ended(self) -> bool:
        """Whether the delimiter just taken was the last one; what follows that is of no interest."""
        while len(self._held) < 2:
            self._more()
        return self._held.startswith(b"--")

    def head(self) -> tuple[str, str]:
        """The name of the part that begins here and its file's name."""
        while (end := self._held.find(b"\r\n\r\n")) < 0:
            if len(self._held) > _LONGEST_HEAD:
                raise HuxinError("H1402")
            self._more()
        lines = self._cut(end).split(b"\r\n")
        del self._held[:4]
        if lines[0].strip(b" \t"):  # only padding may stand behind a delimiter
            raise HuxinError("H1402")
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-disposition":
                kind, options = parse_options_header(_text(value))
                if kind.lower() == "form-data":
                    return options.get("name", ""), options.get("filename", "")
        raise HuxinError("H1402")

    def _cut(self, length: int) -> bytes:
        taken = bytes(self._held[:length])
        del self._held[:length]
        return taken

    def _more(self) -> None:
        try:
            block = self._body.read(_BLOCK)
        except OSError:
            block = b""
        if not block:  # the sender has gone
            raise HuxinError("H1402")
        self._taken += len(block)
        if self._taken > self._body.limit:
            raise HuxinError("H1118", limit=self._body.limit)
        self._held += block


def _text(value: bytes) -> str:
    """A header's value; file names come in GB18030 too, from programs on Chinese Windows."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("gb18030", "replace")
