"""The clock: the real one, or HUXIN_NOW for demonstrations and tests."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta

from huxin_privacy.errors import PrivacyError

# The business day is Asia/Shanghai's, also where no time zones are installed.
_AHEAD_OF_UTC = timedelta(hours=8)


def now() -> datetime:
    """The present moment in UTC. PrivacyError P0180 when HUXIN_NOW is no ISO 8601 time with its zone."""
    said = os.environ.get("HUXIN_NOW")
    if not said:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        raise PrivacyError("P0180", what="HUXIN_NOW") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC) - _AHEAD_OF_UTC


def today() -> date:
    """The business day, which as-of dates are compared with."""
    return (now() + _AHEAD_OF_UTC).date()
