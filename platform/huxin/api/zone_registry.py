"""The registry zone's port: submissions taken over from the intake zone, loaded, and what became of them; members."""

from __future__ import annotations

from uuid import UUID

from apiflask import APIFlask
from flask import Response, current_app
from pydantic import BaseModel, ConfigDict, Field

from huxin.api.answers import answer
from huxin.api.routes import Route, add
from huxin.api.shell import shell
from huxin.api.zone_bodies import belongs, reader
from huxin.errors import HuxinError
from huxin.nightly.load_for import Wanted, load_for, take_back_for, told
from huxin.nightly.registry_rows import RegistryRows
from huxin.nightly.taking_over import take_over
from huxin.registry.members import member_rows
from huxin.registry.session import connection
from huxin.zones.fresh import Fresh
from huxin.zones.roles import REGISTRY

ONE = "/zone/submissions/<uuid:submission_id>"
_NAME = "huxin_registry_rows"
_MOST = 2_000  # submissions of one load


class Asked(BaseModel):
    """A submission as the intake zone has it."""

    model_config = ConfigDict(extra="forbid")
    id: UUID
    confirmed: bool
    attempt: int = Field(ge=1)


class Loading(BaseModel):
    """Which submissions to load."""

    model_config = ConfigDict(extra="forbid")
    submissions: list[Asked] = Field(max_length=_MOST)


class Nothing(BaseModel):
    """A body that says nothing."""

    model_config = ConfigDict(extra="forbid")


def register(app: APIFlask) -> None:
    """For the intake zone."""
    add(app, Route("GET", "/zone/members", "会员名录 · Members", "zone", hidden=True), members)
    add(app, Route("GET", ONE, "批次状态 · A submission's state", "zone", hidden=True), shown)
    add(app, Route("PUT", ONE, "移交批次 · Take a submission over", "zone", hidden=True), taken)
    add(
        app,
        Route("POST", "/zone/load", "入库 · Load", "zone", body=Loading, limit=1 << 20, hidden=True),
        load,
    )
    back = Route("POST", f"{ONE}/withdraw", "撤回 · Take back", "zone", body=Nothing, hidden=True)
    add(app, back, withdraw)
    app.extensions[_NAME] = Fresh(lambda: RegistryRows(shell().settings), REGISTRY)


def members() -> Response:
    """Who may send, and what each has sent last."""
    with connection(shell().settings) as database:
        return answer({"members": member_rows(database)})


def shown(submission_id: UUID) -> Response:
    """A submission as the registry zone has it. H0602."""
    return answer(told(shell().settings, submission_id))


def taken(submission_id: UUID) -> Response:
    """The stream of a submission, whole or not at all."""
    keys: Fresh[RegistryRows] = current_app.extensions[_NAME]
    named, _, attempt = belongs().partition("/")
    if named != str(submission_id) or not attempt.isdigit() or not attempt.isascii():
        raise HuxinError("H1718")
    item = take_over(keys.now(shell().settings), submission_id, int(attempt), reader())
    return answer({"id": str(item.id), "state": item.state.name})


def load(body: Loading) -> Response:
    """Loads and publishes, and tells what became of each."""
    wanted = [Wanted(each.id, each.confirmed, each.attempt) for each in body.submissions]
    return answer({"submissions": load_for(shell().settings, wanted)})


def withdraw(submission_id: UUID, body: Nothing) -> Response:
    """Takes a submission back; again is no fault."""
    return answer(take_back_for(shell().settings, submission_id))
