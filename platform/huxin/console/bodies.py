"""What a browser sends, read within a time: who dawdles would hold one of the few threads as long as it likes.

Each block has as long as a whole body of the API has, and all of them together the time of the largest, a part of a
file over a thin line. Whoever takes longer is told so (H1122, 408) and cut off.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, NoReturn

from flask import Flask, Response, request

from huxin.console.config import Config
from huxin.errors import HuxinError
from huxin.slow import Reads

if TYPE_CHECKING:
    from typing_extensions import Buffer

_BLOCK: Final = 64 << 10
_DRAINED: Final = 4 << 20
_INPUT: Final = "wsgi.input"


def register(app: Flask, config: Config) -> None:
    """Puts the limits around whatever reads a body of this app."""
    reads, inner = Reads(config.block_seconds), app.wsgi_app

    def timed(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        said = environ.get("CONTENT_LENGTH") or ""
        length = int(said) if said.isascii() and said.isdigit() else 0
        sender = environ.get("REMOTE_ADDR", "")
        environ[_INPUT] = Timed(environ[_INPUT], length, reads, sender, config)
        return inner(environ, start)

    app.wsgi_app = timed  # type: ignore[method-assign,assignment]  # as Flask itself says that middleware is added
    app.after_request(drained)


def drained(response: Response) -> Response:
    """Takes the rest of a body that was refused unread: who is still writing would not hear the refusal."""
    body, length = request.environ.get(_INPUT), request.content_length or 0
    if isinstance(body, Timed) and not body.late and body.taken < length <= _DRAINED:
        with contextlib.suppress(HuxinError, OSError):
            while body.taken < length and body.read(min(_BLOCK, length - body.taken)):
                pass
    return response


class Timed(io.RawIOBase):
    """A body of `length` bytes (0: not said) as it comes; `taken` of them have been read, `late` once it has failed."""

    def __init__(self, stream: Any, length: int, reads: Reads, sender: str, config: Config) -> None:
        super().__init__()
        self._stream, self._length, self._reads, self._sender = stream, length, reads, sender
        self._config, self._begun, self._lasted = config, 0.0, 0.0
        self.taken, self.late = 0, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """HuxinError H1122 when a block, or all of them, took too long; H1126 when it ended before its length."""
        view = memoryview(buffer).cast("B")
        now = time.monotonic()
        self._begun = self._begun or now
        if self.late or now - self._begun > self._config.body_seconds:
            self._fail("H1122", self._config.body_seconds)
        try:
            content = self._reads.read(self._stream, min(len(view), _BLOCK), self._sender)
        except HuxinError:
            self.late = True
            raise
        if not content and self.taken < self._length and len(view):
            # Another's time was up, and with it all that waited from the same address: their reads come back short.
            waited = max(self._lasted, time.monotonic() - now) > self._config.block_seconds / 2
            self._fail("H1122" if waited else "H1126", self._config.block_seconds)
        self._lasted = time.monotonic() - now
        view[: len(content)] = content
        self.taken += len(content)
        return len(content)

    def _fail(self, code: str, seconds: float) -> NoReturn:
        self.late = True
        raise HuxinError(code, **({"seconds": seconds} if code == "H1122" else {}))
