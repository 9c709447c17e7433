"""Acts that two persons have to want: proposed by one, decided by another, within their time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, text

from huxin.errors import HuxinError
from huxin.ids import new_id

PROPOSED: Final = "proposed"
DONE: Final = "done"
DECLINED: Final = "declined"
LIVES: Final = timedelta(days=3)

_COLUMNS = """
    a.id, a.act, a.argument, a.digest, a.member_id, a.state, a.reason, a.proposed_by, p.login AS proposer,
    a.proposed_at, a.expires_at, a.decided_by, d.login AS decider, a.decided_at
"""
_FROM = f"""
    SELECT {_COLUMNS} FROM approval a JOIN person p ON p.id = a.proposed_by LEFT JOIN person d ON d.id = a.decided_by
"""
# One that has expired makes room for the same act proposed anew.
_EXPIRE = text(
    "UPDATE approval SET state = 'declined' WHERE digest = :digest AND state = 'proposed' AND expires_at <= :now"
)
_PROPOSE = text("""
    INSERT INTO approval (id, act, argument, digest, member_id, state, reason, proposed_by, proposed_at, expires_at)
    VALUES (:id, :act, CAST(:argument AS jsonb), :digest, :member_id, 'proposed', :reason, :by, :now, :expires_at)
    ON CONFLICT DO NOTHING RETURNING id
""")
_HELD = text(f"{_FROM} WHERE a.id = :id FOR UPDATE OF a")
_DECIDE = text("UPDATE approval SET state = :state, decided_by = :by, decided_at = :now WHERE id = :id")
_OPEN = text(f"{_FROM} WHERE a.state = 'proposed' AND a.expires_at > :now ORDER BY a.proposed_at LIMIT :most")
_PAST = text(f"""
    {_FROM} WHERE (a.state <> 'proposed' OR a.expires_at <= :now)
      AND (CAST(:before AS timestamptz) IS NULL OR a.proposed_at < :before)
    ORDER BY a.proposed_at DESC LIMIT :most
""")


@dataclass(frozen=True)
class Approval:
    """An act and who wants it. `argument` holds codes and numbers, never a person's data."""

    id: UUID
    act: str
    argument: dict[str, Any]
    digest: bytes
    member_id: int
    state: str
    reason: str
    proposed_by: UUID
    proposer: str
    proposed_at: datetime
    expires_at: datetime
    decided_by: UUID | None
    decider: str | None
    decided_at: datetime | None


def act_digest(act: str, argument: Mapping[str, Any]) -> bytes:
    """SHA-256 of the act and what it is done to: what the second person agrees to is what is carried out."""
    said = json.dumps([act, argument], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(said.encode()).digest()


def propose(
    database: Connection,
    act: str,
    argument: Mapping[str, Any],
    by: UUID,
    reason: str,
    now: datetime,
    member_id: int = 0,
) -> UUID:
    """Proposes an act. HuxinError H2006: the same is proposed already."""
    id_, digest = new_id(), act_digest(act, argument)
    values = {"id": id_, "act": act, "argument": json.dumps(argument, ensure_ascii=False), "digest": digest}
    values |= {"member_id": member_id, "reason": reason, "by": by, "now": now, "expires_at": now + LIVES}
    database.execute(_EXPIRE, {"digest": digest, "now": now})
    if database.execute(_PROPOSE, values).scalar() is None:
        raise HuxinError("H2006")
    return id_


def decide(database: Connection, id_: UUID, by: UUID, agreed: bool, now: datetime) -> Approval:
    """The second person's word; the row stays locked to the end of the transaction, in which the act is carried out.

    HuxinError H2007 (decided before, expired or not there), H2008 (by whoever proposed it; to decline his own he may).
    """
    row = database.execute(_HELD, {"id": id_}).mappings().one_or_none()
    if row is None or row["state"] != PROPOSED or row["expires_at"] <= now:
        raise HuxinError("H2007")
    held = _approval(row)
    if agreed and (held.proposed_by == by or held.digest != act_digest(held.act, held.argument)):
        raise HuxinError("H2008")
    database.execute(_DECIDE, {"id": id_, "state": DONE if agreed else DECLINED, "by": by, "now": now})
    return held


def open_approvals(database: Connection, now: datetime, most: int = 100) -> list[Approval]:
    """What waits for a second person, the oldest first."""
    return [_approval(row) for row in database.execute(_OPEN, {"now": now, "most": most}).mappings()]


def past_approvals(
    database: Connection, now: datetime, before: datetime | None = None, most: int = 51
) -> list[Approval]:
    """What was decided or has expired, the newest first, those before a moment."""
    rows = database.execute(_PAST, {"now": now, "before": before, "most": most}).mappings()
    return [_approval(row) for row in rows]


def _approval(row: Mapping[Any, Any]) -> Approval:
    return Approval(**{**{str(name): value for name, value in row.items()}, "digest": bytes(row["digest"])})
