"""The sandbox made anew after every midnight, by a process beside the server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from huxin.sandbox.build import Prepare, rebuild
from huxin.settings import SHANGHAI, Settings

_AFTER = timedelta(minutes=5)


def keep(settings: Settings, prepare: Prepare, wait: Callable[[float], bool]) -> None:
    """Makes the registry anew a little after every midnight; `wait` waits so many seconds, and says when to end."""
    while not wait(until_midnight(settings.now())):
        rebuild(settings, prepare)


def until_midnight(now: datetime) -> float:
    """Seconds until shortly after the next midnight in Shanghai."""
    local = now.astimezone(SHANGHAI)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return (midnight + _AFTER - local).total_seconds()
