"""`huxin serve --sandbox`: the sandbox made anew and served, and made anew again after every midnight."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from huxin.api.serving import Serving, Tell, serve
from huxin.api.shell import Config
from huxin.registry import embedded
from huxin.registry.session import forget_engine
from huxin.sandbox.app import create_sandbox
from huxin.sandbox.build import Prepare, rebuild
from huxin.settings import SHANGHAI, Settings

# Run beside the server; it makes the registry anew shortly after midnight.
KEEP = ("sandbox", "keep")
_AFTER = timedelta(minutes=5)


def serve_anew(settings: Settings, config: Config, serving: Serving, prepare: Prepare, tell: Tell) -> None:
    """Makes the sandbox's registry and serves it until Ctrl-C. Errors as `huxin.api.serving.serve`."""
    with server_left_as_found(settings):
        rebuild(settings, prepare)
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


def keep(settings: Settings, prepare: Prepare, wait: Callable[[float], bool]) -> None:
    """Makes the registry anew a little after every midnight; `wait` waits so many seconds, and says when to end."""
    while not wait(until_midnight(settings.now())):
        rebuild(settings, prepare)


def until_midnight(now: datetime) -> float:
    """Seconds until shortly after the next midnight in Shanghai."""
    local = now.astimezone(SHANGHAI)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return (midnight + _AFTER - local).total_seconds()
