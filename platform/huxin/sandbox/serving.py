"""`huxin serve --sandbox`: the sandbox made anew and served, by processes that know nothing of each other's threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from huxin.api.beside import run_apart
from huxin.api.serving import Serving, Tell, serve
from huxin.api.shell import Config
from huxin.registry import embedded
from huxin.registry.session import forget_engine
from huxin.sandbox.app import create_sandbox
from huxin.settings import Settings

# Makes the registry, and ends.
BUILD = ("sandbox", "build")
# Run beside the server; it makes the registry anew shortly after midnight.
KEEP = ("sandbox", "keep")


def serve_anew(settings: Settings, config: Config, serving: Serving, tell: Tell) -> None:
    """Makes the sandbox's registry and serves it until Ctrl-C; `settings` are those of this process's environment.

    Errors as `huxin.api.serving.serve`; SystemExit with the code of a build that failed, and that has said why.
    """
    with server_left_as_found(settings):
        # Never in this process: the night sets Polars' threads to work, and the workers are forked from here. Without
        # those threads, but with what they had locked, a worker's own first call of Polars would wait for ever.
        if code := run_apart(BUILD):
            raise SystemExit(code)
        serve(settings, config, replace(serving, also=(KEEP,)), tell, create_sandbox)


@contextmanager
def server_left_as_found(settings: Settings) -> Iterator[None]:
    """Stops the sandbox's embedded server at the end where it did not run before."""
    ran = embedded.status(settings).running
    try:
        yield
    finally:
        if not ran:
            forget_engine(settings)
            embedded.stop(settings)
