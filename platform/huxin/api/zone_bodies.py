"""Bodies on a zone's port: bytes that are sealed already, read as they come."""

from __future__ import annotations

from collections.abc import Callable

from flask import request

from huxin.api.shell import shell
from huxin.errors import HuxinError
from huxin.nightly.frames import BELONGS, LONGEST

BYTES = "application/octet-stream"
_MOST = 64  # characters of what a body says it belongs to


def whole_body() -> bytes:
    """The body, up to the longest piece. HuxinError H1118, H1122."""
    read, held = reader(), bytearray()
    while block := read(1 << 20):
        held += block
        if len(held) > LONGEST:
            raise HuxinError("H1118", limit=LONGEST)
    return bytes(held)


def reader() -> Callable[[int], bytes]:
    """Reads up to so many bytes of the body at a time, nothing at its end. HuxinError H1122 when it stalls."""
    environ, reads = request.environ, shell().reads
    length = request.content_length
    left = length if length is not None else -1 if environ.get("wsgi.input_terminated") else 0

    def read(most: int) -> bytes:
        nonlocal left
        wanted = most if left < 0 else min(most, left)
        block = reads.read(environ["wsgi.input"], wanted, environ.get("REMOTE_ADDR", "")) if wanted else b""
        left -= len(block) if left > 0 else 0
        return block

    return read


def belongs() -> str:
    """What the body says that it belongs to. HuxinError H1718."""
    said: str = request.environ.get("HTTP_" + BELONGS.upper().replace("-", "_"), "")
    if not 0 < len(said) <= _MOST or not said.isascii():
        raise HuxinError("H1718")
    return said
