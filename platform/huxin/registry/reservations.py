"""Reservations: promises to lend, held against the caps of a subject until they become loans, or are over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import Any
from uuid import UUID

from huxin.errors import HuxinError
from huxin.registry.live import Live
from huxin.registry.statement import (
    BOOL,
    BYTES,
    DAY,
    ID,
    INT2,
    INT4,
    INT4S,
    INT8,
    MOMENT,
    TEXT,
    UUIDS,
    Statement,
    calling,
)

_RESERVED = (
    ("outcome", INT4),
    ("reservation_id", ID),
    ("lenders", INT4),
    ("open_loans", INT4),
    ("unflushed", BOOL),
)
_RESERVE = calling(
    "reservation_reserve",
    (
        *(ID, INT4, TEXT, BYTES, ID, INT2, INT8, MOMENT, MOMENT, MOMENT),
        *(INT4, INT4, INT8, INT8, TEXT, DAY, INT4, ID, TEXT, BOOL),
    ),
    _RESERVED,
)
_TURNS = calling("reservation_turns", (INT4S, UUIDS), _RESERVED)
_CHANGE = calling(
    "reservation_change",
    (INT4, ID, INT4, TEXT, TEXT, MOMENT, MOMENT, MOMENT, ID, TEXT),
    (("outcome", INT4), ("state", INT4)),
)
_FETCH = calling(
    "reservation_fetch",
    (INT4, ID),
    (
        ("id", ID),
        ("enquiry_id", ID),
        ("state", INT4),
        ("product", INT2),
        ("amount", INT8),
        ("granted_at", MOMENT),
        ("expires_at", MOMENT),
        ("changed_at", MOMENT),
        ("loan_no", TEXT),
        ("contract_no", TEXT),
    ),
)
_LEAF = calling("reservation_leaf", (INT4, ID, TEXT, MOMENT), (("salt", BYTES), ("record", TEXT)))
_TIER = calling("member_tier", (INT4,), (("tier", TEXT), ("reported_on", DAY)))
# A message in the log that nobody reads: its commit waits until all before it is on disk. Over the same connection, for
# over another one it would also succeed after a crash that took what was to be brought to disk.
_EMIT = "pg_logical_emit_message"
_FLUSH = calling(_EMIT, (BOOL, TEXT, TEXT), ((_EMIT, TEXT),)), (True, "huxin", "")
_FRESH, _REPEATED, _OTHER_BODY, _OTHER_PURPOSE, _NO_ENQUIRY, _LENDERS, _LOANS, _UNKNOWN, _IN_VAIN = (
    *(1, 2, 3, 4, 5, 6, 7),
    *(9, 11),
)
_PUT_RIGHT, _MOVED, _TAKEN = 11, 12, 13  # of a change


class MovedError(Exception):
    """Somebody else changed the reservation since the caller looked: to be looked at again."""


class State(IntEnum):
    """What became of a promise. EXPIRED is never stored: it is GRANTED and past its time."""

    EXPIRED = 0
    GRANTED = 1
    CONVERTED = 2
    RELEASED = 3
    ENDED = 4


@dataclass(frozen=True)
class Caps:
    """The caps after this loan, over all members; None does not bind. The amount in cents.

    Others' amounts are rounded up to `step` cents, but for a member whose enquiry was answered for one of the tiers
    `exact`, that is of one now, and that reported on `reported_since` or later.
    """

    max_lenders: int | None = None
    max_open_loans: int | None = None
    max_outstanding: int | None = None
    step: int | None = None
    exact: tuple[str, ...] = ()
    reported_since: date = date.min


@dataclass(frozen=True)
class Reserving:
    """A promise that is asked for, on an own application not older than `asked_since`; `outbox` is its JSON.

    `in_vain`: so many about the subject may have come to nothing since then, by refusal, release or expiry.
    """

    id: UUID
    member_id: int
    key: str
    body_digest: bytes
    enquiry_id: UUID
    product: int | None
    amount: int
    now: datetime
    expires_at: datetime
    asked_since: datetime
    caps: Caps
    outbox_id: UUID
    outbox: str = field(repr=False)
    in_vain: int | None = None


@dataclass(frozen=True)
class Changing:
    """A change of an own reservation at `now`, if its last one was at `seen_at`; `outbox` is its JSON."""

    member_id: int
    id: UUID
    now: datetime
    seen_at: datetime
    outbox_id: UUID
    outbox: str = field(repr=False)


@dataclass(frozen=True)
class Granted:
    """A promise that holds; `fresh` says that it was granted just now and not under the same key before."""

    id: UUID
    fresh: bool


@dataclass(frozen=True)
class Reservation:
    """A member's own reservation. `expires_at` of a converted one is until when it waits for its loan."""

    id: UUID
    enquiry_id: UUID
    state: State
    product: int | None
    amount: int
    granted_at: datetime
    expires_at: datetime
    changed_at: datetime
    loan_no: str | None
    contract_no: str | None


def reserve(live: Live, wanted: Reserving) -> Granted:
    """Grants a promise unless a cap would be passed, alone with the subject while it counts.

    It is on disk when this returns; others may count it a moment before, and what a crash takes then was not told.

    HuxinError H1202 (the key was used with another body), H1213 (no such own enquiry, or too old), H1223 (it was not
    for an application), H1224 (too many came to nothing), H1210, H1211 or H1212 (a cap: lenders, open loans,
    outstanding amount; they tell counts and the limit, never who or how much).
    """
    found = live.call(_RESERVE, _values(wanted, together=False), _flush)
    assert found is not None
    granted = _granted(wanted, found)
    if isinstance(granted, HuxinError):
        raise granted
    return granted


def reserve_all(live: Live, wanted: Sequence[Reserving]) -> list[Granted | HuxinError]:
    """The same of several, in their order and in one transaction; each is refused for its own reasons only.

    HuxinError where the registry takes none of them: they may be asked for one by one.
    """
    members, asked = [each.member_id for each in wanted], [each.enquiry_id.bytes for each in wanted]
    reserving = [(_RESERVE, _values(each, together=True)) for each in wanted]
    _, *found = live.calls([(_TURNS, (members, asked)), *reserving], _flush)
    return [_granted(each, row) for each, row in zip(wanted, found, strict=True)]


def _flush(rows: Sequence[Sequence[Any]]) -> tuple[Statement, Sequence[Any]] | None:
    """What brings these to disk, where their own commit did not wait for it, or another's has to be waited for."""
    return _FLUSH if any(row[0] == _REPEATED or row[-1] for row in rows) else None


def _values(wanted: Reserving, *, together: bool) -> tuple[Any, ...]:
    caps = wanted.caps
    return (
        wanted.id,
        wanted.member_id,
        wanted.key,
        wanted.body_digest,
        wanted.enquiry_id,
        wanted.product,
        wanted.amount,
        wanted.now,
        wanted.expires_at,
        wanted.asked_since,
        caps.max_lenders,
        caps.max_open_loans,
        caps.max_outstanding,
        caps.step,
        ",".join(caps.exact),
        caps.reported_since,
        wanted.in_vain,
        wanted.outbox_id,
        wanted.outbox,
        together,
    )


def _granted(wanted: Reserving, row: Sequence[Any]) -> Granted | HuxinError:
    outcome, reservation_id, lenders, open_loans, _ = row
    if outcome in (_FRESH, _REPEATED):
        return Granted(reservation_id, fresh=outcome == _FRESH)
    if outcome == _OTHER_BODY:
        return HuxinError("H1202")
    if outcome == _NO_ENQUIRY:
        return HuxinError("H1213")
    if outcome == _OTHER_PURPOSE:
        return HuxinError("H1223")
    if outcome == _IN_VAIN:
        hours = (wanted.now - wanted.asked_since) // timedelta(hours=1)
        return HuxinError("H1224", limit=wanted.in_vain, hours=hours)
    if outcome == _LENDERS:
        return HuxinError("H1210", lenders=lenders, limit=wanted.caps.max_lenders)
    # Counts are facts beside the texts, which are also told to who may not see them.
    counts = {"open_loans": open_loans}
    if outcome == _LOANS:
        return HuxinError("H1211", limit=wanted.caps.max_open_loans, **counts)
    return HuxinError("H1212", lenders=lenders, **counts)


def release(live: Live, change: Changing) -> bool:
    """Gives an own promise back; False when it was given back before. HuxinError H1214, H1215; MovedError."""
    return _change(live, change, State.RELEASED, None, None, None)


def convert(
    live: Live, change: Changing, until: datetime, loan_no: str | None = None, contract_no: str | None = None
) -> bool:
    """Says that the money has left under this loan or contract number: held until the loan is reported, or `until`.

    False when the same was said before. HuxinError H1214 (it does not hold any more), H1215 (unknown), H1225 (this
    number was put right since), H1226 (another one's number); MovedError.
    """
    return _change(live, change, State.CONVERTED, loan_no, contract_no, until)


def fetch(live: Live, member_id: int, reservation_id: UUID, now: datetime) -> Reservation | None:
    """A member's own reservation as it stands at `now`, or None."""
    found = live.call(_FETCH, (member_id, reservation_id))
    return None if found is None else as_it_stands(found, now)


def leaf_of(
    live: Live, member_id: int, reservation_id: UUID, topic: str, at: datetime
) -> tuple[bytes, str] | None:
    """Salt and record of an act of a member's own reservation, from the log or on the way there; None where there is
    none of that topic and moment, or where it was erased."""
    found = live.call(_LEAF, (member_id, reservation_id, topic, at))
    return None if found is None or found[0] is None else (bytes(found[0]), found[1])


def tier_now(live: Live, member_id: int) -> tuple[str, date]:
    """Of which tier a member is, and when it last reported, or else joined."""
    found = live.call(_TIER, (member_id,))
    assert found is not None
    return found[0], found[1]


def as_it_stands(row: Sequence[Any], now: datetime) -> Reservation:
    """A row of the columns of `Reservation`; one that is granted and past its time is EXPIRED."""
    made = Reservation(*row)
    expired = made.state == State.GRANTED and made.expires_at <= now
    return replace(made, state=State.EXPIRED if expired else State(made.state))


def _change(
    live: Live,
    change: Changing,
    to: State,
    loan_no: str | None,
    contract_no: str | None,
    until: datetime | None,
) -> bool:
    values = change.member_id, change.id, int(to), loan_no, contract_no, change.now, until
    found = live.call(_CHANGE, (*values, change.seen_at, change.outbox_id, change.outbox))
    assert found is not None
    outcome, state = found
    if outcome == _UNKNOWN:
        raise HuxinError("H1215")
    if outcome == _PUT_RIGHT:
        raise HuxinError("H1225")
    if outcome == _TAKEN:
        raise HuxinError("H1226")
    if outcome == _MOVED:
        raise MovedError
    if outcome not in (_FRESH, _REPEATED):
        raise HuxinError("H1214", state=State(state).name.lower())
    return bool(outcome == _FRESH)
