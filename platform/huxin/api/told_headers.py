"""Headers of an answer as the description tells of them: quotas, when to come again, where what was made is read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

_Headers = dict[str, dict[str, Any]]

# As httpapi's drafts and RFC 9110 and 6750 have them; the figures are examples.
COMPONENTS: _Headers = {
    "RateLimit": {
        "description": "what is left of the quota, seconds until it is whole again · 剩余配额",
        "schema": {"type": "string"},
        "example": '"application";r=59;t=60',
    },
    "RateLimit-Policy": {
        "description": "the quota and its window in seconds, by purpose · 配额",
        "schema": {"type": "string"},
        "example": '"application";q=60;w=60',
    },
    "Retry-After": {
        "description": "seconds to wait before the same request is sent again, where waiting helps · 重试等待秒数",
        "schema": {"type": "integer"},
        "example": 5,
    },
    "Location": {
        "description": "where what was made can be read · 新建对象的地址",
        "schema": {"type": "string"},
    },
    "WWW-Authenticate": {
        "description": "RFC 6750, 3.1",
        "schema": {"type": "string"},
        "example": 'Bearer realm="huxin", error="invalid_token"',
    },
}
QUOTA = ("RateLimit", "RateLimit-Policy")
USED_UP = "H1123"
# Codes that tell `retry_s`, always or where waiting helps.
LATER = frozenset(("H1101", USED_UP, "H1145", "H1302", "H1405", "H1407", "H1408", "H1803"))


def headers_of(names: Iterable[str]) -> dict[str, Any]:
    """The part of a response that names these headers; none where there are none."""
    found = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {"headers": found} if found else {}


def problem_headers(status: int, codes: Iterable[str]) -> dict[str, Any]:
    """The same of an error's response, by what may be told there."""
    told = set(codes)
    names = ["WWW-Authenticate"] if status == 401 or "H1114" in told else []
    names += ["Retry-After"] if told & LATER else []
    return headers_of([*names, *(QUOTA if USED_UP in told else ())])
