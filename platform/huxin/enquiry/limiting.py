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
        self._minutes: dict[tuple[int, str], int] = {}

    def quota(self, policy: Policy, tier: str, member_id: int, purpose: str, today: date) -> tuple[int, int]:
        """(per minute, per day) of a member's enquiries. HuxinError H1511 and H1512 as `Policy.quota`."""
        allowed, whose = policy.quota(tier, purpose), (member_id, purpose)
        own = self._now(today).get(whose, (None, None))
        minute = self._minutes[whose] = _tighter(allowed.per_minute, own[0])
        return minute, _tighter(allowed.per_day, own[1])

    def minute(self, member_id: int, purpose: str) -> int | None:
        """A minute's quota as it was for the last of these questions; None before the first.

        The tier that decides on it is told with the facts, when the question has been counted. So that one who asks
        too often for a minute has not used up his day, it is counted by what held a question ago.
        """
        return self._minutes.get((member_id, purpose))

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
