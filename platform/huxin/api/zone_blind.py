"""Blind mode between zones: what the entry zone asks of the registry zone, and what members ask of the entry zone."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from apiflask import APIFlask
from flask import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from huxin.api import blind
from huxin.api.answers import answer
from huxin.api.caller import Access
from huxin.api.fields import Epoch
from huxin.api.routes import Route, add
from huxin.api.shell import shell
from huxin.api.zone_bodies import BYTES, belongs, whole_body
from huxin.enquiry.evaluating import taken
from huxin.enquiry.evaluating_entry import ON, TAKE
from huxin.enquiry.turning_on import turn_on_for
from huxin.oversight.oprf_handing_over import STEP
from huxin.oversight.oprf_taking_over import take_step
from huxin_privacy.blind import BATCH


class Take(BaseModel):
    """How many elements of a member are to be evaluated, under which key."""

    model_config = ConfigDict(extra="forbid")
    member_id: int = Field(ge=1, lt=1 << 31)
    epoch: Epoch
    count: int = Field(ge=1, le=BATCH)


class TurnOn(BaseModel):
    """The first key of blind mode."""

    model_config = ConfigDict(extra="forbid")
    epoch: Epoch
    public: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


def register(app: APIFlask) -> None:
    """For the entry zone, at the registry zone's port."""
    add(app, Route("POST", TAKE, "计数 · Count elements", "zone", body=Take, hidden=True), take)
    add(app, Route("POST", STEP, "换钥 · Another key", "zone", media=BYTES, hidden=True), turned)
    add(app, Route("POST", ON, "开启盲查 · Turn blind mode on", "zone", body=TurnOn, hidden=True), turn_on)


class Members:
    """The entry zone's part for members, as a module of its app."""

    @staticmethod
    def register(app: APIFlask) -> None:
        """By any token that this zone takes: for tickets, or for elements alone."""
        blind.register_evaluations(app, Access())


def take(body: Take) -> Response:
    """What is left of the member's quota. H1801, H1802, H1123."""
    found = taken(shell().settings, shell().live, body.member_id, body.epoch, body.count)
    return answer(asdict(found))


def turned() -> Response:
    """Another key of blind mode is the present one. H1718, H1801."""
    take_step(shell().settings, belongs(), whole_body())
    return answer({"state": "turned"})


def turn_on(body: TurnOn) -> Response:
    """Whether it was turned on now, and the epoch that elements are made under."""
    turned, epoch = turn_on_for(shell().settings, body.epoch, bytes.fromhex(body.public))
    return answer({"turned": turned, "epoch": epoch})
