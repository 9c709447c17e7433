"""/docs and /openapi.json: the interfaces described, from our own files; a browser is allowed nothing else."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import orjson
from apiflask import APIFlask
from flask import Response, current_app
from werkzeug.exceptions import NotFound

from huxin.api.answers import answer
from huxin.api.openapi import document
from huxin.api.routes import Route, add

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
_FILES = {"": "docs.html", "docs.css": "docs.css", "docs.js": "docs.js"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (("Content-Security-Policy", _POLICY), ("Referrer-Policy", "no-referrer"))


def register(app: APIFlask) -> None:
    """The page, its two files, and what it reads."""
    page = Route("GET", "/docs", "接口文档 · This documentation", "operation", media="text/html", hidden=True)
    part = Route("GET", "/docs/<part>", "文档的样式与脚本 · Its parts", "operation", hidden=True)
    spec = Route("GET", "/openapi.json", "接口描述 · The interfaces in OpenAPI 3.1", "operation", hidden=True)
    add(app, page, docs)
    add(app, part, docs_part)
    add(app, spec, openapi)


def docs() -> Response:
    """The page itself."""
    return _file("")


def docs_part(part: str) -> Response:
    """One of the files that the page names; nothing else lies there."""
    return _file(part)


def openapi() -> Response:
    """The description, made once a process."""
    made = current_app.extensions.get("huxin_openapi")
    if made is None:
        app: APIFlask = current_app._get_current_object()  # type: ignore[attr-defined]  # Flask's proxy
        made = current_app.extensions["huxin_openapi"] = orjson.dumps(document(app))
    return answer(made)


def _file(name: str) -> Response:
    if name not in _FILES:
        raise NotFound
    file = _FILES[name]
    return answer(_read(file), headers=_HEADERS, content_type=_TYPES[Path(file).suffix])


@lru_cache(maxsize=8)
def _read(file: str) -> bytes:
    return (_FOLDER / file).read_bytes()
