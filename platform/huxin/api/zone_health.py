"""/zone/healthz on a zone's port: the process answers, and says which zone it is."""

from __future__ import annotations

from apiflask import APIFlask
from flask import Response

from huxin.api.answers import answer
from huxin.api.routes import Route, add
from huxin.api.shell import shell
from huxin.zones.layout import required
from huxin.zones.roles import ROLES


def register(app: APIFlask) -> None:
    """For `huxin zone check`, and whoever watches the process."""
    add(app, Route("GET", "/zone/healthz", "本区存活 · This zone answers", "zone", hidden=True), healthz)


def healthz() -> Response:
    """Which zone it is: a call that went astray is noticed."""
    return answer({"status": "ok", "zone": required(shell().settings, *ROLES).zone})
