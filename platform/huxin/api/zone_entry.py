"""The entry zone's port: halves of the people of a batch of rows, for the registry zone, through the intake zone."""

from __future__ import annotations

from apiflask import APIFlask
from flask import Response, current_app

from huxin.api.answers import answer
from huxin.api.routes import Route, add
from huxin.api.shell import shell
from huxin.api.zone_bodies import BYTES, belongs, whole_body
from huxin.nightly.halving import EntryRows
from huxin.zones.fresh import Fresh
from huxin.zones.roles import ENTRY

_NAME = "huxin_entry_rows"


def register(app: APIFlask) -> None:
    """For the intake zone."""
    add(app, Route("POST", "/zone/halves", "半标识 · Halves", "zone", media=BYTES, hidden=True), halves)
    app.extensions[_NAME] = Fresh(lambda: EntryRows(shell().settings), ENTRY)


def halves() -> Response:
    """In goes a box that the intake zone cannot take back, out comes an envelope that it cannot open."""
    keys: Fresh[EntryRows] = current_app.extensions[_NAME]
    bound = belongs().encode()
    return answer(keys.now(shell().settings).halve(bound, whole_body()), content_type=BYTES)
