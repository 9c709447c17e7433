"""The registry zone's side of other zones' acts on keys: each becomes a leaf of the log, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from huxin.oversight.key_epochs import TOKENS
from huxin.registry import blind, key_acts, schemes
from huxin.registry.audit_acts import note_told_act
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy.keyring import DESTROYED

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class ToldAct:
    """What a zone says of one epoch of its own keyring; `at` is when it was done there (RFC 3339)."""

    id: UUID
    topic: str
    at: str
    epoch: int
    state: str
    check: str
    version: int
    by: str
    suite: str | None = None
    request: UUID | None = None
    spool: int | None = None
    pending: bool | None = None


def take_acts(settings: Settings, zone: str, acts: Sequence[ToldAct]) -> int:
    """Puts acts on record that are not yet; how many were not. What a destroyed key made compares with nothing then."""
    with connection(settings) as database:
        key_acts.take_turn(database)
        return sum(_taken(database, settings, zone, each) for each in acts)


def _taken(database: Connection, settings: Settings, zone: str, told: ToldAct) -> bool:
    now = settings.now()
    if not note_told_act(database, told.id, told.topic, _facts(database, zone, told), now):
        return False
    key_acts.record_epoch(database, zone, told.epoch, told.state, told.check, now)
    if told.state == DESTROYED:
        if zone in TOKENS:
            schemes.bury(database, list(schemes.of_epoch(database, zone, told.epoch).values()))
            blind.end(database, told.epoch, now)
        key_acts.close_requests(database, zone, told.epoch, now)
    return True


def _facts(database: Connection, zone: str, told: ToldAct) -> dict[str, Any]:
    facts: dict[str, Any] = {"zone": zone, "acted_at": told.at}
    facts |= {name: getattr(told, name) for name in ("epoch", "state", "check", "version", "by")}
    facts |= {
        name: getattr(told, name) for name in ("suite", "spool", "pending") if getattr(told, name) is not None
    }
    return facts if told.request is None else facts | _signed(database, told.request)


def _signed(database: Connection, request: UUID) -> dict[str, Any]:
    """Both operators' words, which this zone has on record itself."""
    found = key_acts.request_of(database, request)
    if found is None:
        return {"request": str(request)}
    return {
        "request": str(found.id),
        "requested_by": found.requested_by,
        "request_signature": found.signature.hex(),
        "approved_by": found.approved_by,
        "approval_signature": (found.approval or b"").hex(),
    }
