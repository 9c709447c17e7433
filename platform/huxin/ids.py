"""Identifiers of our own rows: UUIDv7, made by the client so that no sequence is shared (RFC 9562, 5.7)."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MICROSECOND = timedelta(microseconds=1)
_NS = 1_000_000  # in a millisecond
_STAMPS = (1 << 48) - 1
_VERSION = 0x7 << 76 | 0x2 << 62
_RANDOM = (1 << 62) - 1


def new_id() -> UUID:
    """A UUIDv7 of the machine's clock: 48 bits of Unix milliseconds, 12 of their fraction, then 62 random bits."""
    return _made(time.time_ns())


def id_at(moment: datetime) -> UUID:
    """A UUIDv7 of a moment (with its zone): what is counted by its id must follow `settings.now()`."""
    return _made((moment - _EPOCH) // _MICROSECOND * 1000)


def moment_of(id_: UUID) -> datetime:
    """The moment (UTC, whole milliseconds) that a UUIDv7 was made for."""
    return _EPOCH + (id_.int >> 80) * _MILLISECOND


def _made(nanoseconds: int) -> UUID:
    # The fraction (RFC 9562, 6.2, method 3) keeps two acts of one millisecond in their order.
    stamp, rest = divmod(nanoseconds, _NS)
    fraction = (rest << 12) // _NS
    random = int.from_bytes(os.urandom(8), "big") & _RANDOM
    return UUID(int=(stamp & _STAMPS) << 80 | fraction << 64 | random | _VERSION)
