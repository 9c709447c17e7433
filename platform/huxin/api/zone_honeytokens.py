"""Honeytokens between zones: the entry zone draws them, at the registry zone's port they become aliases."""

from __future__ import annotations

from apiflask import APIFlask
from flask import Response, current_app

from huxin.api.answers import answer
from huxin.api.routes import Route, add
from huxin.api.shell import shell
from huxin.api.zone_bodies import BYTES, belongs, whole_body
from huxin.nightly.registry_rows import RegistryRows
from huxin.oversight.honeytokens import named_regions
from huxin.oversight.honeytokens_entry import MAKE, REGIONS
from huxin.oversight.honeytokens_for import make_for
from huxin.zones.fresh import Fresh
from huxin.zones.roles import REGISTRY

_NAME = "huxin_honeytoken_rows"


def register(app: APIFlask) -> None:
    """For the entry zone."""
    add(app, Route("GET", REGIONS, "常见地区 · Regions that loans name", "zone", hidden=True), regions)
    add(app, Route("POST", MAKE, "诱饵标识 · Honeytokens", "zone", media=BYTES, hidden=True), made)
    app.extensions[_NAME] = Fresh(lambda: RegistryRows(shell().settings), REGISTRY)


def regions() -> Response:
    """Codes of counties, the most frequent first."""
    return answer({"regions": named_regions(shell().settings)})


def made() -> Response:
    """How many of an envelope's were made: those that lead to nobody."""
    keys: Fresh[RegistryRows] = current_app.extensions[_NAME]
    return answer({"made": make_for(keys.now(shell().settings), belongs().encode(), whole_body())})
