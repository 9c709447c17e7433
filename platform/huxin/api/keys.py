"""What several interfaces read of a request besides its body: the Idempotency-Key, and ids in paths."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from flask import request

from huxin.errors import HuxinError

KEY_PARAMETER: dict[str, Any] = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{8,64}$"},
    "description": "yours, new for each question: the same key and body get the very same answer",
}
_KEY = re.compile(r"[A-Za-z0-9._:-]{8,64}")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def idempotency_key() -> str:
    """The request's Idempotency-Key. HuxinError H1204 where there is none, or none of 8 to 64 plain characters."""
    key: str = request.environ.get("HTTP_IDEMPOTENCY_KEY", "")
    if not _KEY.fullmatch(key):
        raise HuxinError("H1204")
    return key


def shared_id(text: str, unknown: str) -> UUID:
    """An id of a path; what is none is as unknown as one that was never made (error `unknown`)."""
    if not _ID.fullmatch(text):
        raise HuxinError(unknown)
    return UUID(text)
