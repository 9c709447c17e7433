"""The registry zone's side of the destruction of another zone's key: it counts, it knows the operators, it records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from huxin.errors import HuxinError
from huxin.oversight.key_approval import (
    VALID,
    approval_of,
    live_credential,
    require_request,
    require_word,
    statement_of,
)
from huxin.oversight.key_epochs import TOKENS, put_in_force
from huxin.oversight.key_retiring import depending
from huxin.registry import key_acts
from huxin.registry.audit_acts import note_act
from huxin.registry.key_acts import Request
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy.errors import PrivacyError

if TYPE_CHECKING:
    from sqlalchemy import Connection

_CLOCKS: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class Word:
    """The second operator's: which request, who, by which registered key, when, and the signature."""

    request: UUID
    by: str
    with_: UUID
    at: datetime
    signature: bytes


def standing(
    settings: Settings, zone: str, epoch: int, by: str, public: bytes
) -> tuple[UUID, Request | None]:
    """The number of an operator's key, and the request that waits for an approval. H1609; P0120 with the count."""
    with connection(settings) as database:
        credential = live_credential(database, by, public)
        asked = key_acts.open_request(database, zone, epoch, settings.now())
    _require_free(settings, zone, epoch)
    return credential, asked


def take_request(settings: Settings, request: Request) -> None:
    """Puts a request on record. HuxinError H1612 (not as it was signed, or another one waits), PrivacyError P0120."""
    _require_free(settings, request.zone, request.epoch)
    now = settings.now()
    with connection(settings) as database:
        key_acts.take_turn(database)
        before = key_acts.open_request(database, request.zone, request.epoch, now)
        if before is not None and before.id == request.id:  # told again, for the answer was lost
            return
        good = abs(now - request.requested_at) <= _CLOCKS
        good = good and request.expires_at == request.requested_at + VALID
        if before is not None or not good or request.check_value != _check(database, request):
            raise HuxinError("H1612")
        said = statement_of(request)
        require_word(database, request.requested_by, request.requested_with, request.signature, said)
        key_acts.add_request(database, request)
        facts = {"zone": request.zone, "epoch": request.epoch, "check": request.check_value}
        facts |= {"request": str(request.id), "operator": request.requested_by}
        facts |= {"signature": request.signature.hex()}
        note_act(database, "keys.destroy_requested", facts, now)


def take_approval(settings: Settings, zone: str, epoch: int, word: Word) -> None:
    """Puts the second operator's word on record; from then on the key may go, and nobody need bring its tokens along.

    HuxinError H1611, H1612; PrivacyError P0120.
    """
    _require_free(settings, zone, epoch)
    now = settings.now()
    with connection(settings) as database:
        key_acts.take_turn(database)
        asked = key_acts.open_request(database, zone, epoch, now)
        if asked is None or asked.id != word.request or abs(now - word.at) > _CLOCKS:
            raise HuxinError("H1612")
        if word.by == asked.requested_by or word.with_ == asked.requested_with:
            raise HuxinError("H1611", holder=asked.requested_by)
        require_request(database, asked, _check(database, asked), word.by)
        said = approval_of(asked, word.by, word.with_, word.at)
        require_word(database, word.by, word.with_, word.signature, said)
        key_acts.approve_request(database, asked.id, word.by, word.with_, word.signature, word.at)
    if zone in TOKENS:
        put_in_force(settings, going=(zone, epoch))


def _require_free(settings: Settings, zone: str, epoch: int) -> None:
    count = depending(settings, zone, epoch).total
    if count:
        raise PrivacyError("P0120", epoch=epoch, count=count)


def _check(database: Connection, request: Request) -> str:
    """The check value that the zone has told of its key; "" where it told none."""
    return key_acts.recorded_epochs(database, request.zone).get(request.epoch, ("", ""))[1]
