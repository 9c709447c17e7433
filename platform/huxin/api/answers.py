"""Responses of the API: bytes of JSON with the few headers that every answer has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from flask import Response
from pydantic import BaseModel
from werkzeug.datastructures import Headers

JSON = "application/json"
# An answer is about one caller: no cache on the way may keep it, no browser guess what it is.
_ALWAYS = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))


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
    named = Headers([("Content-Type", content_type), *_ALWAYS, *headers])
    return Response(content, status, named)
