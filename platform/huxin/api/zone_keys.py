"""What zones without a log tell the registry zone of their keys: acts for the log, and the destruction of one.

Which zone calls is known by the port. A body says of a key its check value, of people operators' names: nothing else.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from apiflask import APIFlask
from flask import Response, current_app
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from huxin.api.answers import answer
from huxin.api.routes import Route, add
from huxin.api.shell import shell
from huxin.errors import HuxinError
from huxin.oversight import destroying_elsewhere as told
from huxin.oversight import destroying_for
from huxin.oversight.acts_taken import ToldAct, take_acts
from huxin.oversight.destroying_for import Word
from huxin.oversight.key_retiring import depending
from huxin.zones import acts as book

CALLER = "huxin_caller"
_TOPICS = Literal[
    "keys.first",
    "keys.new",
    "keys.activated",
    "keys.retired",
    "keys.destroyed",
    "keys.found",
    "keys.resealed",
]
_Number = Annotated[int, Field(ge=1, lt=1 << 31)]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]*$")]
_Check = Annotated[str, StringConstraints(pattern="^[0-9a-f]{16}$")]
_Moment = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT[0-9:.]{8,15}(Z|[+-]\d\d:\d\d)$")]
_Hex = Annotated[str, StringConstraints(pattern="^([0-9a-f]{2})+$", max_length=400)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Facts(_Model):
    """What an act says of one epoch."""

    epoch: _Number
    state: Literal["pending", "active", "read_only", "destroyed"]
    check: _Check
    version: _Number
    by: _Name
    suite: Literal["S256", "SM"] | None = None
    request: UUID | None = None
    spool: Annotated[int, Field(ge=0)] | None = None
    pending: bool | None = None


class Act(_Model):
    """One act on a key."""

    id: UUID
    topic: _TOPICS
    at: _Moment
    facts: Facts


class Acts(_Model):
    """Acts in their order."""

    acts: list[Act] = Field(min_length=1, max_length=book.MOST)


class Epoch(_Model):
    """Which key."""

    epoch: _Number


class Who(_Model):
    """Which key is to be destroyed, and by whom: the public half of a registered key (DER as base64)."""

    epoch: _Number
    by: _Name
    public: Annotated[str, StringConstraints(max_length=400)]


class Requested(_Model):
    """A request as its operator signed it."""

    id: UUID
    epoch: _Number
    check: _Check
    by: _Name
    with_: UUID = Field(alias="with")
    at: _Moment
    expires_at: _Moment
    signature: _Hex


class Approved(_Model):
    """The second operator's word on a request."""

    id: UUID
    epoch: _Number
    by: _Name
    with_: UUID = Field(alias="with")
    at: _Moment
    signature: _Hex


def register(app: APIFlask) -> None:
    """For the entry and the intake zone, each at its own port."""
    for path, summary, body, view in (
        (book.PATH, "密钥操作入存证 · Acts on keys, for the log", Acts, acts),
        (told.DEPENDING, "依赖数 · What hangs on a key", Epoch, counted),
        (told.STANDING, "销毁申请的状态 · How a destruction stands", Who, standing),
        (told.REQUEST, "申请销毁 · Ask for a destruction", Requested, requested),
        (told.APPROVAL, "批准销毁 · Approve a destruction", Approved, approved),
    ):
        add(app, Route("POST", path, summary, "zone", body=body, limit=1 << 20, hidden=True), view)


def acts(body: Acts) -> Response:
    """Each is taken once, however often it is told."""
    taken = take_acts(shell().settings, _caller(), [_act(each) for each in body.acts])
    return answer({"taken": taken})


def counted(body: Epoch) -> Response:
    """What hangs on a key of the zone that calls."""
    return answer(vars(depending(shell().settings, _caller(), body.epoch)))


def standing(body: Who) -> Response:
    """The number of the operator's registered key, and the request that waits. H1609, P0120."""
    try:
        public = base64.b64decode(body.public, validate=True)
    except binascii.Error:
        raise HuxinError("H1718") from None
    credential, asked = destroying_for.standing(shell().settings, _caller(), body.epoch, body.by, public)
    waits = None if asked is None else told.request_json(asked)
    return answer({"credential": str(credential), "request": waits})


def requested(body: Requested) -> Response:
    """H1612, P0120."""
    said = body.model_dump(mode="json", by_alias=True)
    destroying_for.take_request(shell().settings, told.request_from(_caller(), said))
    return answer({"state": "requested"})


def approved(body: Approved) -> Response:
    """H1611, H1612, P0120."""
    word = Word(body.id, body.by, body.with_, _moment(body.at), bytes.fromhex(body.signature))
    destroying_for.take_approval(shell().settings, _caller(), body.epoch, word)
    return answer({"state": "approved"})


def _act(said: Act) -> ToldAct:
    return ToldAct(said.id, said.topic, said.at, **vars(said.facts))


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise HuxinError("H1718") from None


def _caller() -> str:
    """The zone whose certificates the port lets in."""
    caller: Any = current_app.extensions[CALLER]
    return str(caller)


__all__: Sequence[str] = ("CALLER", "register")
