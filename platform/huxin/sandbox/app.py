"""The API in the sandbox: the real app with the sandbox's desk, saying in every answer what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from huxin.api.app import create_app
from huxin.api.desk import MAKER
from huxin.api.shell import Config
from huxin.sandbox.desk import SandboxDesk
from huxin.sandbox.listing import PATH, listing
from huxin.settings import Settings

if TYPE_CHECKING:
    from apiflask import APIFlask

HEADER = ("Huxin-Sandbox", "true")
NOTICE = """**沙箱：这里的机构和人都是虚构的，不是真实的登记系统。测试主体见 `/sandbox/subjects` 和 docs/sandbox.md。**

**Sandbox: every lender and person here is invented; this is not the real registry. The test subjects stand at
`/sandbox/subjects` and in docs/sandbox.md.**

"""
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def create_sandbox(settings: Settings, config: Config) -> APIFlask:
    """The app of one process on a sandbox's registry."""
    app = create_app(settings, replace(config, sandbox=True))
    app.extensions[MAKER] = SandboxDesk
    app.title = f"{app.title} 沙箱 sandbox"
    app.config["DESCRIPTION"] = NOTICE + app.config["DESCRIPTION"]
    # Flask's own place for what stands around an app.
    app.wsgi_app = marked(app.wsgi_app, settings)  # type: ignore[method-assign, assignment]  # as Flask documents
    return app


def marked(inner: Wsgi, settings: Settings) -> Wsgi:
    """Every answer with HEADER, whoever made it; and the list of test subjects, which the real API does not know."""

    def answers(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start_response(status, [*headers, HEADER], *more)

        if environ["PATH_INFO"] != PATH:
            return inner(environ, start)
        start("200 OK", [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
        return [listing(settings.today())]

    return answers
