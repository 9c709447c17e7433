"""What a leaf says: canonical JSON of facts without any token, subject or mobile number's stand-in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson

from huxin.errors import HuxinError
from huxin_privacy.receipts import SALT_BYTES

# A leaf is for ever, and its record goes to outsiders: what joins a person's records never enters one.
NEVER = frozenset(
    ("subject_id", "subject", "mobile_id", "token", "tokens", "half", "name_mark", "id_no", "mobile", "name")
)
_PARTS = frozenset(("feed", "leaf", "record_id"))  # of an outbox row's body; no facts
_NAMED = ("record_id", "enquiry", "reservation", "submission")


@dataclass(frozen=True)
class Entry:
    """What one outbox row becomes; `member_id` is whose record it is, None for acts of the operator."""

    record_id: UUID
    member_id: int | None
    salt: bytes = field(repr=False)
    record: str = field(repr=False)


def make_record(topic: str, at: datetime, facts: Mapping[str, Any]) -> str:
    """The record of an event: JSON with sorted keys and no blanks. HuxinError H1311 for a name in NEVER."""
    if _holds_any(facts):
        raise HuxinError("H1311", topic=topic)
    return _canonical({**facts, "topic": topic, "at": moment_text(at)})


def make_salt() -> bytes:
    """16 random bytes."""
    return os.urandom(SALT_BYTES)


def entry_of(outbox_id: UUID, topic: str, at: datetime, body: Mapping[str, Any]) -> Entry:
    """The entry of an outbox row: with the leaf its maker has promised, or one made here of the body's facts."""
    feed = body.get("feed") or {}
    said = (body.get(name) for name in _NAMED)
    record_id = next(filter(None, map(_uuid, (*said, feed.get("enquiry_id")))), outbox_id)
    member = next((m for m in (body.get("member"), feed.get("member_id")) if type(m) is int), None)
    made = _promised(body.get("leaf"))
    if made is None:
        facts = {name: _without(value) for name, value in body.items() if name not in _PARTS | NEVER}
        made = make_salt(), _canonical({**facts, "topic": topic, "at": moment_text(at), "id": str(outbox_id)})
    return Entry(record_id, member, *made)


def _promised(leaf: Any) -> tuple[bytes, str] | None:
    """Salt and record as the application made them; None where a row brings none."""
    if not isinstance(leaf, dict) or not isinstance(leaf.get("record"), str):
        return None
    try:
        salt = bytes.fromhex(str(leaf.get("salt")))
    except ValueError:
        return None
    return (salt, leaf["record"]) if len(salt) == SALT_BYTES else None


def _holds_any(value: Any) -> bool:
    if isinstance(value, str | int | None):  # nearly all of them, and looking for a Mapping costs the most
        return False
    if isinstance(value, Mapping):
        return not NEVER.isdisjoint(value) or any(map(_holds_any, value.values()))
    return isinstance(value, list | tuple) and any(map(_holds_any, value))


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without(each) for name, each in value.items() if name not in NEVER}
    return [_without(each) for each in value] if isinstance(value, list) else value


def _canonical(facts: Mapping[str, Any]) -> str:
    return orjson.dumps(facts, option=orjson.OPT_SORT_KEYS).decode()


@lru_cache(maxsize=64)
def moment_text(at: datetime) -> str:
    """UTC to the millisecond, with Z (RFC 3339); one enquiry writes the same moment three times."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
