"""Blind mode in the registry: the generations of the OPRF key, and each member's count of evaluations."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as upsert

from huxin.errors import HuxinError
from huxin.registry.audit_acts import note_operator_act
from huxin.registry.gathering import Quota, quota_left
from huxin.registry.live import Live
from huxin.registry.statement import DAY, INT4, MOMENT, calling
from huxin.registry.tables_blind import oprf_generation


class Standing(IntEnum):
    """What a generation of the OPRF key is good for: everything, elements made before, or nothing any more."""

    PRESENT = 1
    EARLIER = 2
    GONE = 3


@dataclass(frozen=True)
class Generation:
    """An epoch of the entry zone whose OPRF key is at work, with the key's public element; `step` is sealed."""

    epoch: int
    public: bytes
    standing: Standing = Standing.PRESENT
    step: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Limits:
    """Elements of a member in a minute and in a day."""

    per_minute: int
    per_day: int


_TAKE = calling(
    "blind_take",
    (INT4, INT4, INT4, MOMENT, DAY, INT4, INT4),
    (("outcome", INT4), ("minute_used", INT4), ("day_used", INT4)),
)
_REFUSED, _UNKNOWN, _OFF = 2, 3, 4


def turn_on(database: Connection, first: Generation, now: datetime) -> bool:
    """Turns blind mode on for good, with its first key; false where it was on. The key becomes a leaf of the log."""
    if generations(database):
        return False
    values = {
        "epoch": first.epoch,
        "public": first.public,
        "state": Standing.PRESENT,
        "published_at": now,
        "changed_at": now,
    }
    made = database.execute(upsert(oprf_generation).values(values).on_conflict_do_nothing())
    if made.rowcount:
        note_operator_act(database, "blind.key", {"epoch": first.epoch, "public": first.public.hex()}, now)
    return bool(made.rowcount)


def generations(database: Connection) -> list[Generation]:
    """Those at work, the present one first; none where blind mode is off."""
    t = oprf_generation.c
    wanted = (
        select(t.epoch, t.public, t.state, t.step)
        .where(t.state != Standing.GONE)
        .order_by(t.state, t.epoch.desc())
    )
    return [Generation(row[0], bytes(row[1]), Standing(row[2]), row[3]) for row in database.execute(wanted)]


def end(database: Connection, epoch: int, now: datetime) -> None:
    """An earlier generation whose key is destroyed is at work no longer."""
    t = oprf_generation.c
    ended = oprf_generation.update().where(t.epoch == epoch, t.state == Standing.EARLIER)
    database.execute(ended.values(state=Standing.GONE, step=None, changed_at=now))


def live_generations(live: Live) -> list[Generation]:
    """The same for the app's role. HuxinError H1801 where blind mode is off."""
    found = live.row("SELECT epochs, publics FROM blind_generations()", ())
    if found is None or not found[0]:
        raise HuxinError("H1801")
    standing = (Standing.PRESENT, *(Standing.EARLIER for _ in found[0][1:]))
    return [Generation(*each) for each in zip(found[0], map(bytes, found[1]), standing, strict=True)]


def take(
    live: Live, member_id: int, epoch: int, count: int, now: datetime, today: date, limits: Limits
) -> Quota:
    """Counts elements that are to be evaluated; what is left of the member's quota.

    HuxinError H1801 (blind mode is off), H1802 (the epoch is at work no longer), H1123 (more than is left: nothing is
    counted then).
    """
    found = live.call(_TAKE, (member_id, epoch, count, now, today, limits.per_minute, limits.per_day))
    assert found is not None
    outcome, *used = found
    if outcome in (_UNKNOWN, _OFF):
        raise HuxinError("H1802", epoch=epoch) if outcome == _UNKNOWN else HuxinError("H1801")
    quota = quota_left(now, (used[0], used[1]), (limits.per_minute, limits.per_day))
    if outcome == _REFUSED:
        retry_s = max(1, quota.reset_s or 1)
        raise HuxinError(
            "H1123", purpose="blind", limit=quota.limit, window_s=quota.window_s, retry_s=retry_s
        )
    return quota
