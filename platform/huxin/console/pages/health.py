"""Whether the console answers, for whoever watches over it."""

from __future__ import annotations

from flask import Blueprint, Response

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """200 while the process lives; nothing behind it is asked."""
    return Response('{"status":"ok"}', mimetype="application/json")
