"""How complete every answer is, read of the registry every few seconds and not with every question."""

from __future__ import annotations

import time
from datetime import date, timedelta

from huxin.decision import Coverage, Policy
from huxin.registry.gathering import coverage
from huxin.registry.live import Live
from huxin.settings import Settings

# Members' reports change once a night: what was read holds for so long in a process.
SECONDS = 5.0


class Covering:
    """The coverage of this moment; shared by threads, any of which may read it anew."""

    def __init__(self, settings: Settings, live: Live) -> None:
        self._settings, self._live = settings, live
        self._read: tuple[float, date, Coverage] | None = None

    def now(self, policy: Policy) -> Coverage:
        """Of the active members those that have reported within the policy's days."""
        since = self._settings.today() - timedelta(days=policy.coverage_days)
        read = self._read
        # Of the process's own clock, for HUXIN_NOW may stand still.
        if read is not None and read[1] == since and time.monotonic() - read[0] < SECONDS:
            return read[2]
        found = Coverage(*coverage(self._live, since))
        self._read = (time.monotonic(), since, found)
        return found
