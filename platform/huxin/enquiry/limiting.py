"""A member's quota: the policy's by tier and purpose, or tighter where an operator has limited this member."""

from __future__ import annotations

import time
from datetime import date

from huxin.decision import Policy
from huxin.registry.limits import Limits, limits_now
from huxin.registry.live import Live

# As with the coverage: limits are read every few seconds, not with every question.
SECONDS = 5.0


class Limiting:
    """The limits of this moment; shared by threads, any of which may read them anew."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._read: tuple[float, date, Limits] | None = None

    def quota(
        self, policy: Policy, tier: str, member_id: int, purpose: str, today: date
    ) -> tuple[int | None, int | None]:
        """(per minute, per day) of a member's enquiries. HuxinError H1511 and H1512 as `Policy.quota`."""
        allowed = policy.quota(tier, purpose)
        own = self._now(today).get((member_id, purpose))
        if own is None:
            return allowed.per_minute, allowed.per_day
        return _tighter(allowed.per_minute, own[0]), _tighter(allowed.per_day, own[1])

    def _now(self, today: date) -> Limits:
        read = self._read
        # Of the process's own clock, for HUXIN_NOW may stand still.
        if read is not None and read[1] == today and time.monotonic() - read[0] < SECONDS:
            return read[2]
        found = limits_now(self._live, today)
        self._read = (time.monotonic(), today, found)
        return found


def _tighter(allowed: int, own: int | None) -> int:
    return allowed if own is None else min(allowed, own)
