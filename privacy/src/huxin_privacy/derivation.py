"""HKDF-SHA256 (RFC 5869) and the one way in which a zone's keys are drawn from its roots."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32


def prefixed(*parts: bytes) -> bytes:
    """Every part behind its length as 2 bytes, big-endian: no two lists of parts give the same bytes."""
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def hkdf_sha256(secret: bytes, salt: bytes | None, info: bytes, length: int) -> bytes:
    """RFC 5869 extract and expand; `length` in bytes."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


def derive(
    root: bytes, *, zone: str, suite: str, type_: str, epoch: int, use: str, length: int = KEY_BYTES
) -> bytes:
    """The key of `length` bytes for one use.

    info = zone ‖ suite ‖ type ‖ epoch ‖ use, each behind a 2-byte length, epoch as 4 bytes big-endian,
    so keys of different zones, suites, types, epochs and uses are independent.
    """
    info = prefixed(zone.encode(), suite.encode(), type_.encode(), epoch.to_bytes(4, "big"), use.encode())
    return hkdf_sha256(root, None, info, length)
