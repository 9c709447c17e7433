"""The app of one process, made by a function: settings in, a WSGI callable out. Nothing is opened until it is asked."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from apiflask import APIFlask
from flask import Flask, Request, Response, request
from flask.sessions import NullSession, SessionInterface, SessionMixin
from werkzeug.routing import MapAdapter

from huxin.api import (
    audit,
    blind,
    docs,
    enquiries,
    health,
    metrics,
    oauth,
    openapi,
    problems,
    public_keys,
    reservations,
    submission_check,
    submission_findings,
    submissions,
    whoami,
)
from huxin.api.bodies import drain
from huxin.api.metrics import Meter
from huxin.api.shell import NAME, Config, Shell
from huxin.api.taking_turns import Turns
from huxin.api.tokens import Tokens
from huxin.registry.live import Live
from huxin.settings import Settings
from huxin.slow import Reads

MODULES = (
    oauth,
    whoami,
    enquiries,
    reservations,
    blind,
    submissions,
    submission_findings,
    submission_check,
    public_keys,
    audit,
    health,
    metrics,
    docs,
)
_access = logging.getLogger("huxin.access")


class Room(Protocol):
    """A module with routes of its own."""

    def register(self, app: APIFlask, /) -> object:
        """Adds them."""


class _NoSessions(SessionInterface):
    """One session for all, that nobody may write to."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> SessionMixin:
        return self._none


class Api(APIFlask):
    """APIFlask without sessions, hooks and signals; it counts each request once, whatever became of it."""

    session_interface = _NoSessions()

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Without looking at Host: no address is made from what a caller writes, and routes do not depend on it."""
        if request is None:
            return None
        return MapAdapter(self.url_map, "huxin", "/", "", "http", request.path, request.method)

    def do_teardown_request(self, exc: object = None) -> None:
        """Nothing: nobody registers anything, and asking for it costs each request ten microseconds."""

    def do_teardown_appcontext(self, exc: object = None) -> None:
        """As `do_teardown_request`."""

    def full_dispatch_request(self) -> Response:
        begun = time.perf_counter()
        # Flask's own also sends signals and asks for hooks and a session before and after, of which there are none.
        try:
            told = self.dispatch_request()
        except Exception as error:
            told = self.handle_user_exception(error)
        response: Response = self.make_response(told)
        if response.status_code >= 400 and not drain():
            response.headers["Connection"] = "close"
        shell: Shell = self.extensions[NAME]
        rule = request.url_rule
        route = "-" if rule is None else rule.rule
        # A method of the caller's own making is not a label.
        method = request.method if rule is not None else "-"
        seconds = time.perf_counter() - begun
        shell.meter.count(method, route, response.status_code, seconds)
        if shell.config.access_log:
            _access.info("%s %s %d %.1fms", method, route, response.status_code, seconds * 1000)
        return response


def create_app(
    settings: Settings,
    config: Config | None = None,
    modules: Sequence[Room] = MODULES,
    tokens: Tokens | None = None,
) -> APIFlask:
    """The app on a registry that is set up; it connects and reads keys when first needed.

    A split-off zone serves other `modules`, and takes `tokens` that the registry zone has issued.
    """
    chosen = config or Config.from_env()
    app = Api(
        "huxin.api",
        title="Huxin 互信",
        version=version("huxin"),
        spec_path=None,
        docs_path=None,
        static_folder=None,  # type: ignore[arg-type]  # APIFlask's annotation forgets what Flask allows
        root_path=str(Path(__file__).parent),
    )
    app.config.update(MAX_CONTENT_LENGTH=chosen.body_limit, MAX_FORM_MEMORY_SIZE=chosen.body_limit)
    app.url_map.merge_slashes = False  # a redirect would hand back the path that was sent
    openapi.configure(app)
    problems.register(app)
    for module in modules:
        module.register(app)
    app.extensions[NAME] = Shell(
        settings=settings,
        config=chosen,
        live=Live(settings),
        tokens=tokens or Tokens(settings, chosen.issuer),
        meter=Meter(),
        reads=Reads(chosen.body_seconds),
        uploads=Turns(chosen.threads // 2, chosen.threads // 4),
        refusals=Turns(chosen.threads // 4, chosen.threads // 4),
    )
    return app


def described_app() -> APIFlask:
    """An app to be described, which is never asked anything."""
    return create_app(Settings(home=Path("/nonexistent")), Config())
