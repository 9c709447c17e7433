"""Numbers out of measurements: percentiles, rates, medians of rounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Load:
    """What a number of clients got: answers, seconds, each answer's time in seconds, and what went wrong."""

    clients: int
    seconds: float
    times: list[float] = field(repr=False)
    failures: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return len(self.times) / self.seconds if self.seconds else 0.0

    @property
    def p50(self) -> float:
        """Half of the answers took no longer, in seconds."""
        return percentile(self.times, 50)

    @property
    def p99(self) -> float:
        """99 in a hundred took no longer, in seconds."""
        return percentile(self.times, 99)

    def line(self, title: str) -> str:
        """One line of a table, times in milliseconds."""
        return (
            f"  {title:<44}{self.clients:>3} clients {self.rate:>9,.0f}/s"
            f"   p50 {self.p50 * 1e3:>7.2f}   p99 {self.p99 * 1e3:>7.2f} ms"
        )


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: the least value that `share` percent of all do not exceed; NaN of nothing."""
    if not 0 < share <= 100:
        raise ValueError("a percentile lies above 0 and up to 100")
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(1, math.ceil(len(ordered) * share / 100)) - 1]


def joined(parts: Sequence[Load]) -> Load:
    """Clients that ran side by side as one load: their answers over the longest of their times."""
    failures: dict[str, int] = {}
    for part in parts:
        for name, count in part.failures.items():
            failures[name] = failures.get(name, 0) + count
    times = [one for part in parts for one in part.times]
    return Load(sum(part.clients for part in parts), max(part.seconds for part in parts), times, failures)


def ratio(mine: Sequence[float], theirs: Sequence[float]) -> float:
    """Median of the rounds' ratios: what disturbs the machine for a while disturbs both sides of one round."""
    rounds = [a / b for a, b in zip(mine, theirs, strict=True) if b]
    return median(rounds) if rounds else math.nan
