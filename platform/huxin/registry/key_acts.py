"""The keys' life on record: how the last act left each epoch, what still hangs on one, what two operators signed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from huxin.contract import State
from huxin.registry import rekeying, remarking
from huxin.registry.bulk import Bulk
from huxin.registry.connect import locking_session, lost_connection_told
from huxin.registry.directories import MOBILES, SUBJECTS
from huxin.registry.schemes import Scheme
from huxin.registry.tables_keys import key_epoch, key_request
from huxin.settings import Settings

_TURN = text("SELECT pg_advisory_xact_lock(1801812339, 0)")
# Submissions whose tokens lie in the spool; `place` is that of the epoch in the fact (nightly.turning).
_SPOOLED = text("""
    SELECT m.code, s.id FROM submission s JOIN member m ON m.id = s.member_id
    WHERE s.state IN (:pseudonymized, :waiting)
      AND coalesce((s.facts -> 'keys' ->> :place)::integer, 1) = :epoch
    ORDER BY m.code, s.received_at
""")


@dataclass(frozen=True)
class Depending:
    """What hangs on an epoch: it cannot be destroyed while anything does."""

    aliases: int = 0
    mobiles: int = 0
    marks: int = 0
    submissions: int = 0
    checkpoints: int = 0

    @property
    def total(self) -> int:
        return self.aliases + self.mobiles + self.marks + self.submissions + self.checkpoints


@dataclass(frozen=True)
class Request:
    """That an epoch be destroyed, as one operator asked it and, maybe, another approved."""

    id: UUID
    zone: str
    epoch: int
    check_value: str
    requested_by: str
    requested_with: UUID
    requested_at: datetime
    expires_at: datetime
    signature: bytes = field(repr=False)
    approved_by: str | None = None
    approved_with: UUID | None = None
    approved_at: datetime | None = None
    approval: bytes | None = field(default=None, repr=False)
    done_at: datetime | None = None


def take_turn(database: Connection) -> None:
    """One act at a time, to the end of the transaction."""
    database.execute(_TURN)


def recorded_epochs(database: Connection, zone: str) -> dict[int, tuple[str, str]]:
    """State and check value of each epoch, as the last act on record left it."""
    t = key_epoch.c
    rows = database.execute(select(t.epoch, t.state, t.check_value).where(t.zone == zone))
    return {row.epoch: (row.state, row.check_value) for row in rows}


def record_epoch(
    database: Connection, zone: str, epoch: int, state: str, check_value: str, now: datetime
) -> None:
    """Notes how an epoch stands."""
    values = {"zone": zone, "epoch": epoch, "state": state, "check_value": check_value, "changed_at": now}
    made = upsert(key_epoch).values(values)
    database.execute(made.on_conflict_do_update(index_elements=["zone", "epoch"], set_=values))


def depending(session: Bulk, zone: str, numbers: Mapping[Scheme, int], schemes: Sequence[int]) -> Depending:
    """What stands under these schemes (those of one epoch of zone "entry" or "registry") in the registry's tables.

    Marks in the history of loans hang on the registry's key, which can turn them; of an entry key that is gone they
    compare with nothing, as the past may.
    """
    if not schemes:
        return Depending()
    marks = remarking.mark_filter(numbers, list(schemes))
    return Depending(
        rekeying.count(session, SUBJECTS, list(schemes)),
        rekeying.count(session, MOBILES, list(schemes)),
        remarking.count(session, marks, history=zone == "registry"),
    )


def spooled_under(database: Connection, zone: str, epoch: int) -> list[tuple[str, UUID]]:
    """Submissions (member's code, id) whose tokens wait in the spool under an epoch of zone "entry" or "registry"."""
    states = {"pseudonymized": int(State.PSEUDONYMIZED), "waiting": int(State.AWAITING_CONFIRMATION)}
    place = ("entry", "registry").index(zone)
    return [
        (row[0], row[1]) for row in database.execute(_SPOOLED, {**states, "place": place, "epoch": epoch})
    ]


def checkpoints(database: Connection) -> int:
    """How many checkpoints of the log were signed."""
    return int(database.execute(text("SELECT count(*) FROM audit_checkpoint")).scalar_one())


def open_request(database: Connection, zone: str, epoch: int, now: datetime) -> Request | None:
    """The request about an epoch that waits for its approval; None when there is none, or it has expired."""
    t = key_request.c
    found = database.execute(
        select(key_request)
        .where(t.zone == zone, t.epoch == epoch, t.done_at.is_(None), t.expires_at > now)
        .order_by(t.requested_at.desc())
        .limit(1)
    ).mappings()
    return next((Request(**row) for row in found), None)


def request_of(database: Connection, id_: UUID) -> Request | None:
    """A request by its number, whatever became of it."""
    found = database.execute(select(key_request).where(key_request.c.id == id_)).mappings()
    return next((Request(**row) for row in found), None)


def open_requests(database: Connection, now: datetime) -> list[Request]:
    """All requests that wait for their approval, the oldest first."""
    t = key_request.c
    wanted = (t.done_at.is_(None), t.expires_at > now)
    found = database.execute(select(key_request).where(*wanted).order_by(t.requested_at)).mappings()
    return [Request(**row) for row in found]


def decline_request(database: Connection, id_: UUID, now: datetime) -> Request | None:
    """Ends a request that waits: nothing is destroyed, and the same may be asked anew. None where it does not wait."""
    t = key_request.c
    wanted = (t.id == id_, t.done_at.is_(None), t.expires_at > now)
    ended = key_request.update().where(*wanted).values(done_at=now).returning(*key_request.c)
    row = database.execute(ended).mappings().one_or_none()
    return None if row is None else Request(**row)


def add_request(database: Connection, made: Request) -> None:
    """Puts a request on record."""
    database.execute(key_request.insert().values(vars(made)))


def approve_request(
    database: Connection, id_: UUID, by: str, with_: UUID, signature: bytes, now: datetime
) -> None:
    """Notes the second operator's word."""
    values = {"approved_by": by, "approved_with": with_, "approved_at": now, "approval": signature}
    database.execute(key_request.update().where(key_request.c.id == id_).values(values))


def close_requests(database: Connection, zone: str, epoch: int, now: datetime) -> None:
    """The epoch is destroyed: nothing is to be asked of it any more."""
    t = key_request.c
    wanted = (t.zone == zone, t.epoch == epoch, t.done_at.is_(None))
    database.execute(key_request.update().where(*wanted).values(done_at=now))


@contextmanager
def alone_at(settings: Settings, zone: str) -> Iterator[bool]:
    """Whether no other process retires an epoch of this zone; if so, none begins before the block ends."""
    with locking_session(settings) as session:
        with lost_connection_told():
            query = "SELECT pg_try_advisory_lock(hashtextextended(%s, 12))"
            row = session.execute(query, [f"retire {zone}"]).fetchone()
        yield bool(row and row[0])
