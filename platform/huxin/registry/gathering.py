"""The first round trip of an enquiry: who is meant, what is known of them, and what is left of the asker's quota."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from huxin.registry.live import Live
from huxin.registry.statement import BOOL, BYTES, DAY, ID, INT2S, INT4, MOMENT, TEXT, UUIDS, calling
from huxin.settings import SHANGHAI

_DAY_S = 86400
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
_REFUSE = calling("quota_refuse", (INT4, TEXT, DAY, INT4), (("refused", INT4),))
_COVERAGE = calling("coverage_since", (DAY,), (("members", INT4), ("reported", INT4), ("oldest", DAY)))


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
    to_midnight = _DAY_S - (local.hour * 3600 + local.minute * 60 + local.second)
    resets, windows = (60 - local.second, to_midnight), (60, _DAY_S)
    quotas = [
        Quota(limit, max(limit - taken, 0), reset, taken > limit, window)
        for limit, taken, reset, window in zip(limits, used, resets, windows, strict=True)
        if limit is not None
    ]
    # One that is exceeded before one that is used up; of two such the one that lasts longer.
    return min(
        quotas, key=lambda each: (not each.exceeded, each.remaining, -(each.reset_s or 0)), default=Quota()
    )


def note_refused(live: Live, asking: Asking, quota: Quota) -> None:
    """Counts a question that the day's quota refused, for the guard; what a minute's refused is nobody's alarm."""
    if quota.window_s == _DAY_S:
        live.call(_REFUSE, (asking.member_id, asking.purpose, asking.today, quota.limit))


def coverage(live: Live, since: date) -> tuple[int, int, date | None]:
    """(active members, those whose newest as-of date is not before `since`, the oldest of the newest)."""
    found = live.call(_COVERAGE, (since,))
    assert found is not None
    return found[0], found[1], found[2]


def _keys(keys: Sequence[Key]) -> tuple[list[bytes], list[int]]:
    return [token for token, _ in keys], [scheme for _, scheme in keys]
