"""Files of static/, packed for browsers that take it: a telephone gets a fifth of the bytes."""

from __future__ import annotations

import gzip
import mimetypes
from functools import lru_cache

from flask import Flask, Response, abort, request

from huxin.console.shape import STATIC

_PACKED = frozenset((".css", ".js", ".svg"))
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def register(app: Flask) -> None:
    """The route that url_for("static", filename=…) leads to."""
    app.add_url_rule("/static/<path:filename>", "static", serve)


def serve(filename: str) -> Response:
    """One of the files; what is none of them is nowhere, however its name is written."""
    if filename not in _names():
        abort(404)
    suffix = "." + filename.rpartition(".")[2]
    packed = suffix in _PACKED and "gzip" in request.accept_encodings.values()
    kind = _TYPES.get(suffix) or mimetypes.guess_type(filename)[0] or "text/plain"
    answer = Response(_content(filename, packed), mimetype=kind)
    if packed:
        answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Vary"] = "Accept-Encoding"
    return answer


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(str(file.relative_to(STATIC)) for file in STATIC.rglob("*") if file.is_file())


@lru_cache(maxsize=128)
def _content(filename: str, packed: bool) -> bytes:
    whole = (STATIC / filename).read_bytes()
    return gzip.compress(whole, 6, mtime=0) if packed else whole
