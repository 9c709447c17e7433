"""Quotas as a caller sees them: the headers RateLimit and RateLimit-Policy of the IETF's httpapi draft, by purpose."""

from __future__ import annotations

import re

from huxin.errors import HuxinError

_WORD = re.compile(r"[a-z][a-z0-9_-]{0,31}")


def rate_headers(
    purpose: str, limit: int, window_s: int, remaining: int, reset_s: int
) -> list[tuple[str, str]]:
    """What is left of a member's quota for a purpose, `reset_s` seconds before its window ends."""
    assert _WORD.fullmatch(purpose), "purposes are our own words: nothing else may enter a header"
    return [
        ("RateLimit-Policy", f'"{purpose}";q={limit};w={window_s}'),
        ("RateLimit", f'"{purpose}";r={max(0, remaining)};t={max(0, reset_s)}'),
    ]


def require_quota(purpose: str, limit: int, window_s: int, reset_s: int, exceeded: bool) -> None:
    """Refuses with H1123 (429, Retry-After) where the quota was used up."""
    if exceeded:
        raise HuxinError("H1123", purpose=purpose, limit=limit, window_s=window_s, retry_s=max(1, reset_s))
