"""What /metrics tells of the guard: how many alarms go on, and until when the monitors have looked."""

from __future__ import annotations

from dataclasses import dataclass

from huxin.registry.credentials import Row

_GAUGES = "SELECT guard_gauges()"


@dataclass(frozen=True)
class Gauges:
    """(kind, state, how many) of the alarms that are not closed; seconds since 1970, None before the first run."""

    alarms: tuple[tuple[str, str, int], ...]
    looked_at: float | None


def guard_gauges(row: Row) -> Gauges:
    """The gauges of this moment. HuxinError H0502, H0501."""
    found = row(_GAUGES, ())
    told = found[0] if found else {"alarms": [], "looked_at": None}
    return Gauges(
        tuple((each["kind"], each["state"], each["count"]) for each in told["alarms"]), told["looked_at"]
    )
