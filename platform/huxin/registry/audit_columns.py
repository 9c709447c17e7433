"""Columns that leaves are looked up by, compared with what their records say: who is led astray by one gets no receipt.

No leaf joins two records of a person, so a record may tell less than the columns do; then there is nothing to compare.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

from huxin.errors import HuxinError

# What a record is kept under, the first that it tells, as audit.records.entry_of has it. `act` is an operator's check.
_NAMES: Final = ("act", "enquiry", "reservation", "submission")
_ENQUIRY: Final = "enquiry.answered"


class Columns(NamedTuple):
    """What stands beside a leaf's record; ids as text."""

    number: int
    topic: str
    outbox_id: str
    record_id: str
    member_id: int | None


def check_columns(leaf: Columns, record: str, members: Mapping[str, int]) -> None:
    """They are those that the record names, where it does; `members` has ids by code.

    HuxinError H1314 (topic), H1315 (which record it is, or whose).
    """
    # Records are JSON without blanks: to read each of millions would cost more than its digest.
    if '"topic":"' in record and f'"topic":"{leaf.topic}"' not in record:
        raise HuxinError("H1314", number=leaf.number)
    if not (_plainly(leaf, record, members) or _as_said(leaf, record, members)):
        raise HuxinError("H1315", number=leaf.number)


def _plainly(leaf: Columns, record: str, members: Mapping[str, int]) -> bool:
    """Whether it is an answered enquiry, as nearly all leaves are, under its number and its member."""
    if leaf.topic != _ENQUIRY or f'"enquiry":"{leaf.record_id}"' not in record:
        return False
    _, told, rest = record.partition('"member":"')
    return bool(told) and members.get(rest[: rest.find('"')], leaf.member_id) == leaf.member_id


def _as_said(leaf: Columns, record: str, members: Mapping[str, int]) -> bool:
    try:
        said = orjson.loads(record)
    except ValueError:
        return True
    if not isinstance(said, dict):
        return True
    named = next(filter(None, (_id(said.get(name)) for name in (*_NAMES, "id"))), leaf.record_id)
    return named == leaf.record_id and _whose(leaf, said, members)


def _whose(leaf: Columns, said: Mapping[str, Any], members: Mapping[str, int]) -> bool:
    """A record that was made of an outbox row tells the row, and the member by number unless it is an operator's act;
    one that its maker promised tells the member by code."""
    member = said.get("member")
    if "id" not in said:
        return not isinstance(member, str) or members.get(member, leaf.member_id) == leaf.member_id
    own = member if type(member) is int else leaf.member_id if leaf.topic == _ENQUIRY else None
    return leaf.outbox_id == said["id"] and leaf.member_id == own


def _id(value: Any) -> str | None:
    try:
        return str(UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None
