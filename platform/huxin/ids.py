"""Identifiers of our own rows: UUIDv7, made by the client so that no sequence is shared (RFC 9562, 5.7)."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_STAMPS = (1 << 48) - 1
_VERSION = 0x7 << 76 | 0x2 << 62
_RANDOM = (1 << 80) - 1 & ~(0xF << 76) & ~(0x3 << 62)


def new_id() -> UUID:
    """A UUIDv7 of the machine's clock: 48 bits of Unix milliseconds, then 74 random bits."""
    return _made(time.time_ns() // 1_000_000)


def id_at(moment: datetime) -> UUID:
    """A UUIDv7 of a moment (with its zone): what is counted by its id must follow `settings.now()`."""
    return _made((moment - _EPOCH) // _MILLISECOND)


def moment_of(id_: UUID) -> datetime:
    """The moment (UTC, whole milliseconds) that a UUIDv7 was made for."""
    return _EPOCH + (id_.int >> 80) * _MILLISECOND


def _made(stamp: int) -> UUID:
    value = (stamp & _STAMPS) << 80 | int.from_bytes(os.urandom(10), "big") & _RANDOM | _VERSION
    return UUID(int=value)
