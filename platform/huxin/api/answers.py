"""Responses of the API: bytes of JSON with the few headers that every answer has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import orjson
from flask import Response
from pydantic import BaseModel
from werkzeug.datastructures import Headers

JSON = "application/json"
# An answer is about one caller: no cache on the way may keep it, no browser guess what it is.
_ALWAYS = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))


_EMPTY = (204, 304)
_STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class _Plain(Headers):
    """Headers that are text already; ValueError for a line break in one, which would begin another."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        super().__init__()
        whole = "".join([value for _, value in pairs])
        if "\n" in whole or "\r" in whole:
            raise ValueError("a line break in a header")
        self._list = pairs


class Whole(Response):
    """A response whose bytes are all there: told as it is, where Flask's own works its headers out once more."""

    def __init__(self, content: bytes, status: int, headers: list[tuple[str, str]]) -> None:
        super().__init__(None, status, headers=_Plain(headers))
        self.response = [content]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        content, status = self.response, self.status_code
        plain = (
            isinstance(content, list) and len(content) == 1 and status not in _EMPTY and not self._on_close
        )
        if not plain or environ["REQUEST_METHOD"] == "HEAD":
            return super().__call__(environ, start_response)
        start_response(_STATUS.get(status, self.status), self.headers.to_wsgi_list())
        return content  # type: ignore[return-value]  # one piece of bytes, as set_data leaves it


def answer(
    body: bytes | dict[str, Any] | BaseModel,
    status: int = 200,
    headers: Iterable[tuple[str, str]] = (),
    content_type: str = JSON,
) -> Response:
    """A response of JSON; bytes are taken as they are."""
    if isinstance(body, BaseModel):
        content = body.model_dump_json(by_alias=True).encode()
    else:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
    length = ("Content-Length", str(len(content)))
    return Whole(content, status, [("Content-Type", content_type), length, *_ALWAYS, *headers])
