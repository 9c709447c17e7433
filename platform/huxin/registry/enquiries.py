"""Enquiries: two round trips, each a transaction by itself; first what is known, then what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from huxin.errors import HuxinError
from huxin.registry.live import Live
from huxin.registry.statement import (
    BOOL,
    BYTES,
    DAY,
    ID,
    INT2,
    INT2S,
    INT4,
    INT8,
    MOMENT,
    TEXT,
    UUIDS,
    calling,
)
from huxin.settings import SHANGHAI

Key = tuple[bytes, int]  # a token of 16 bytes and the number of its scheme

# What is known of one who is asked about, as Gathered has it.
GATHERED = (
    ("member_status", TEXT),
    ("member_tier", TEXT),
    ("subject", ID),
    ("mobile", ID),
    ("facts", BYTES),
    ("minute_used", INT4),
    ("day_used", INT4),
    ("member_reported", DAY),
    ("met", BOOL),
)
_GATHER = calling(
    "enquiry_gather",
    (INT4, TEXT, UUIDS, INT2S, BOOL, UUIDS, UUIDS, INT2S, MOMENT, DAY, INT4, INT4, BOOL, BOOL),
    GATHERED,
)
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
_COVERAGE = calling("coverage_since", (DAY,), (("members", INT4), ("reported", INT4), ("oldest", DAY)))
_FRESH, _REPEATED, _OTHER_BODY, _RUNNING, _SPENT = 1, 2, 3, 4, 5


@dataclass(slots=True)
class Asking:
    """Who asks about whom. `keys` are the subject's, the active ones first; `claim` makes an unknown subject known.

    What `per_minute`, the minute's quota as far as it is known beforehand, refuses is not taken from the day's. With
    `blind` nothing is asked of a person whose keys have not met yet.
    """

    member_id: int
    purpose: str
    keys: Sequence[Key] = field(repr=False)
    now: datetime
    today: date
    claim: bool = True
    name_marks: Sequence[bytes] | None = field(default=None, repr=False)
    mobile_keys: Sequence[Key] = field(default=(), repr=False)
    stacking_days: int = 7
    per_minute: int | None = None
    blind: bool = False


@dataclass(slots=True)
class Quota:
    """What is left of the tighter of the minute's and the day's quota; all None where none binds."""

    limit: int | None = None
    remaining: int | None = None
    reset_s: int | None = None
    exceeded: bool = False
    window_s: int | None = None


@dataclass(slots=True)
class Gathered:
    """What is known. Unless `member_status` is "active" nothing was looked up. `facts` is JSON (decision.facts).

    `reported_on` is the asking member's newest as-of date, or the day it joined where it has none. Unless `met`
    (who asked without `blind` has) nothing was looked up or counted: the keys are to be brought together first.
    """

    member_status: str | None
    tier: str | None
    subject_id: UUID | None
    mobile_id: UUID | None
    facts: bytes
    minute_used: int
    day_used: int
    reported_on: date | None = None
    met: bool = True


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


def gather(live: Live, asking: Asking, *, in_lot: bool = False) -> Gathered:
    """Finds or claims the subject, counts the question against the quota and gathers the facts.

    With `in_lot` nothing is told or counted (`member_status` is None) where the keys are not in force, or somebody is
    not known who is not to be made known in a lot; and what another is just making is refused after a moment.
    HuxinError H1601 when the keys are of epochs that are not in force any more: make them of the keyrings anew.
    """
    call = live.call_in_lot if in_lot else live.call
    found = call(_GATHER, _asked(asking, in_lot))
    assert found is not None
    return gathered(asking, found)


def claimed_in_lot(asking: Asking) -> bool:
    """Whether somebody not known yet is made known together with others: where there is one key of each kind, and two
    ways to one person need not meet first."""
    return asking.claim and not asking.blind and len(asking.keys) == 1 and len(asking.mobile_keys) <= 1


def _asked(asking: Asking, in_lot: bool) -> tuple[Any, ...]:
    return (
        asking.member_id,
        asking.purpose,
        *_keys(asking.keys),
        claimed_in_lot(asking) if in_lot else asking.claim,
        asking.name_marks,
        *_keys(asking.mobile_keys),
        asking.now,
        asking.today,
        asking.stacking_days,
        asking.per_minute,
        asking.blind,
        in_lot,
    )


def gathered(asking: Asking, row: Sequence[Any]) -> Gathered:
    """A row of GATHERED."""
    status, tier, subject, mobile, facts, minute_used, day_used, reported_on, met = row
    used = minute_used or 0, day_used or 0
    return Gathered(status, tier, subject, mobile, facts or b"", *used, reported_on, met or not asking.blind)


def quota_left(now: datetime, used: tuple[int, int], limits: tuple[int | None, int | None]) -> Quota:
    """The quota after these uses of the minute's and the day's. A minute is the clock's, a day the business day."""
    if limits == (None, None):
        return Quota()
    local = now.astimezone(SHANGHAI)
    to_midnight = 86400 - (local.hour * 3600 + local.minute * 60 + local.second)
    resets, windows = (60 - local.second, to_midnight), (60, 86400)
    quotas = [
        Quota(limit, max(limit - taken, 0), reset, taken > limit, window)
        for limit, taken, reset, window in zip(limits, used, resets, windows, strict=True)
        if limit is not None
    ]
    # One that is exceeded before one that is used up; of two such the one that lasts longer.
    return min(
        quotas, key=lambda each: (not each.exceeded, each.remaining, -(each.reset_s or 0)), default=Quota()
    )


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


def coverage(live: Live, since: date) -> tuple[int, int, date | None]:
    """(active members, those whose newest as-of date is not before `since`, the oldest of the newest)."""
    found = live.call(_COVERAGE, (since,))
    assert found is not None
    return found[0], found[1], found[2]


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


def _keys(keys: Sequence[Key]) -> tuple[list[bytes], list[int]]:
    return [token for token, _ in keys], [scheme for _, scheme in keys]
