"""What members' programs call in a split-off zone: tickets in the entry zone, files in the intake zone.

The registry zone's is the whole API, as in one process.
"""

from __future__ import annotations

from apiflask import APIFlask
from flask import Response

from huxin.api import (
    docs,
    oauth,
    public_keys,
    submission_check,
    submission_findings,
    submissions,
    tickets,
    zone_blind,
)
from huxin.api.answers import answer
from huxin.api.app import create_app
from huxin.api.peer_tokens import PeerTokens
from huxin.api.routes import Route, add
from huxin.api.shell import Config, shell
from huxin.settings import Settings
from huxin.zones.layout import required
from huxin.zones.roles import ENTRY, INTAKE


def create_entry_app(settings: Settings, config: Config) -> APIFlask:
    """Tickets, and evaluations of blind mode. HuxinError H1708, H1709."""
    required(settings, ENTRY)
    tokens = PeerTokens(settings, ENTRY, frozenset((tickets.SCOPE, oauth.ELEMENTS)))
    app = create_app(settings, config, (tickets, zone_blind.Members, docs), tokens)
    _health(app)
    return app


def create_intake_app(settings: Settings, config: Config) -> APIFlask:
    """Submissions, their findings, checks of files, keys to seal them with. HuxinError H1708, H1709."""
    required(settings, INTAKE)
    modules = (submissions, submission_findings, submission_check, public_keys, docs)
    tokens = PeerTokens(settings, INTAKE, frozenset(("submissions",)))
    app = create_app(settings, config, modules, tokens)
    _health(app)
    return app


def _health(app: APIFlask) -> None:
    add(app, Route("GET", "/healthz", "进程存活 · The process answers", "operation"), healthz)
    add(app, Route("GET", "/readyz", "可以工作 · It can work", "operation", errors=("H1706",)), readyz)


def healthz() -> Response:
    """Says so without touching anything."""
    return answer(b'{"status":"ok"}')


def readyz() -> Response:
    """H1706 without the registry zone's card."""
    shell().tokens.prepare()
    return answer(b'{"status":"ok"}')
