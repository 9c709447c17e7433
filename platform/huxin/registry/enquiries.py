"""The second round trip of an enquiry: what was answered is recorded durably, and found again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from huxin.errors import HuxinError
from huxin.registry.live import Live
from huxin.registry.statement import BYTES, DAY, ID, INT2, INT4, INT8, MOMENT, TEXT, calling

_OUTCOME = (("outcome", INT4), ("enquiry_id", ID), ("answer", BYTES))
# as NewEnquiry has them
NEW = (
    ID,
    INT4,
    ID,
    ID,
    TEXT,
    BYTES,
    TEXT,
    INT2,
    INT8,
    TEXT,
    DAY,
    *[TEXT] * 4,
    BYTES,
    BYTES,
    MOMENT,
    ID,
    TEXT,
)
_RECORD = calling("enquiry_record", NEW, _OUTCOME)
_REDEEM = calling("enquiry_redeem", (ID, INT8, *NEW), _OUTCOME)  # the ticket's nonce and expiry before it
_RECORDED = calling("enquiry_recorded", (INT4, TEXT, BYTES), _OUTCOME)
_FETCH = calling(
    "enquiry_fetch",
    (INT4, ID),
    (
        ("id", ID),
        ("subject_id", ID),
        ("mobile_id", ID),
        ("asked_at", MOMENT),
        ("purpose", TEXT),
        ("product", INT2),
        ("amount", INT8),
        ("consent_no", TEXT),
        ("consent_until", DAY),
        ("staff", TEXT),
        ("reference", TEXT),
        ("policy", TEXT),
        ("tier", TEXT),
        ("facts", BYTES),
        ("answer", BYTES),
    ),
)
_FRESH, _REPEATED, _OTHER_BODY, _RUNNING, _SPENT = 1, 2, 3, 4, 5


class NewEnquiry(NamedTuple):
    """What is to be recorded: the facts as gathered, the answer sealed, `outbox` the JSON of 'enquiry.answered'.

    In the order in which the registry's function takes it.
    """

    id: UUID
    member_id: int
    subject_id: UUID
    mobile_id: UUID | None
    key: str
    body_digest: bytes
    purpose: str
    product: int | None
    amount: int | None
    consent_no: str | None
    consent_until: date | None
    staff: str | None
    reference: str | None
    policy: str
    tier: str
    facts: bytes
    answer: bytes
    asked_at: datetime
    outbox_id: UUID
    outbox: str

    def __repr__(self) -> str:
        return f"NewEnquiry({self.id})"  # the rest is no reader's concern


@dataclass(slots=True)
class Recorded:
    """An enquiry on record with its sealed answer; `fresh` says that it was recorded just now."""

    id: UUID
    answer: bytes = field(repr=False)
    fresh: bool


@dataclass(frozen=True)
class Enquiry:
    """A member's own enquiry as it stands on record; product is a label code, the amount in cents."""

    id: UUID
    subject_id: UUID
    mobile_id: UUID | None
    asked_at: datetime
    purpose: str
    product: int | None
    amount: int | None
    consent_no: str | None
    consent_until: date | None
    staff: str | None
    reference: str | None
    policy: str
    tier: str
    facts: bytes = field(repr=False)
    answer: bytes = field(repr=False)


def record(live: Live, new: NewEnquiry) -> Recorded:
    """Records an enquiry, its answer and its outbox row, durably and together, or finds it recorded before.

    HuxinError H1202 when the key was used with another body, H1203 when another request with it is under way.
    """
    found = live.call(_RECORD, new)
    assert found is not None
    return _recorded(new, *found)


def record_fresh(live: Live, new: NewEnquiry) -> Recorded | None:
    """The same of one whose key was not used before; else None, and `record` tells what the key stands for."""
    found = live.call_in_lot(_RECORD, new)
    assert found is not None
    return Recorded(new.id, new.answer, fresh=True) if found[0] == _FRESH else None


def redeem(live: Live, new: NewEnquiry, nonce: UUID, expires_at: int) -> Recorded:
    """The same of an enquiry by ticket, which is spent by it; `expires_at` is Unix time in seconds.

    HuxinError H1234 when the ticket was spent on another enquiry, and as `record`.
    """
    found = live.call(_REDEEM, (nonce, expires_at, *new))
    assert found is not None
    return _recorded(new, *found)


def recorded(live: Live, member_id: int, key: str, body_digest: bytes) -> Recorded | None:
    """What was recorded under a member's key before, or None. HuxinError H1202 when that was another body."""
    found = live.call(_RECORDED, (member_id, key, body_digest))
    return None if found is None or found[0] is None else _recorded(None, *found)


def fetch(live: Live, member_id: int, enquiry_id: UUID) -> Enquiry | None:
    """A member's own enquiry, or None."""
    found = live.call(_FETCH, (member_id, enquiry_id))
    return None if found is None else Enquiry(*found)


def _recorded(new: NewEnquiry | None, outcome: int, enquiry_id: UUID, answer: bytes | None) -> Recorded:
    if outcome == _OTHER_BODY:
        raise HuxinError("H1202")
    if outcome == _RUNNING:
        raise HuxinError("H1203")
    if outcome == _SPENT:
        raise HuxinError("H1234")
    if outcome == _FRESH and new is not None:
        return Recorded(new.id, new.answer, fresh=True)
    assert answer is not None, "it is on record"
    return Recorded(enquiry_id, answer, fresh=False)
