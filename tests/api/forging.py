"""Tokens made by hand: unsigned, or sealed with what is no secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any


def unsigned(head: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    parts = (json.dumps(head).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def hs256(head: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    body = unsigned(head, claims).rstrip(".")
    seal = hmac.digest(secret, body.encode(), hashlib.sha256)
    return f"{body}.{base64.urlsafe_b64encode(seal).decode().rstrip('=')}"
