"""When a member's enquiries are out of the ordinary: plain counts and a policy in, the figures of an alarm out."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

from huxin.oversight.guard_policy import Conversion, HitRate

Figures = dict[str, Any]


@dataclass(frozen=True)
class Share:
    """So many of so many: enquiries that met a known subject, or subjects that became borrowers."""

    of: int = 0
    hits: int = 0

    def __add__(self, other: Share) -> Share:
        return Share(self.of + other.of, self.hits + other.hits)

    def __sub__(self, other: Share) -> Share:
        return Share(self.of - other.of, self.hits - other.hits)

    @property
    def percent(self) -> float:
        """0 where there is nothing to have a share of."""
        return 100 * self.hits / self.of if self.of else 0.0

    @property
    def shown(self) -> float:
        """As an alarm's figures tell it: one decimal."""
        return round(self.percent, 1)


def unusual_hits(
    rule: HitRate, now: Share, own: Share, sector: Share, explained: float | None = None
) -> Figures | None:
    """A share of hits, high or low, that is neither this member's usual one nor the sector's; None where it is usual.

    `own` is the member's usual, `sector` that of all others together. `explained` is a share (percent) that an
    operator closed an alarm at: what is near it is no news, however far the others are.
    """
    if now.of < rule.least:
        return None
    against = []
    if own.of >= rule.least and _far(now, own, rule.from_own, rule.deviations):
        against.append("own")
    known = explained is not None and abs(now.percent - explained) <= rule.from_own
    if sector.of >= rule.least and not known and _far(now, sector, rule.from_sector, rule.deviations):
        against.append("sector")
    if not against:
        return None
    return {
        "against": against,
        "enquiries": now.of,
        "known": now.hits,
        "share": now.shown,
        "usual_own": own.shown if own.of >= rule.least else None,
        "usual_sector": sector.shown if sector.of >= rule.least else None,
    }


def few_loans(rule: Conversion, purpose: str, own: Share, sector: Share) -> Figures | None:
    """That hardly any of the subjects asked about became borrowers; None where enough did, or too few were asked about.

    Where the others do not lend more often either, it is the season and not the member.
    """
    if own.of < rule.least or own.percent >= rule.below[purpose]:
        return None
    told = sector.of >= rule.least
    if told and own.percent * 100 >= sector.percent * rule.of_sector:
        return None
    return {
        "subjects": own.of,
        "borrowers": own.hits,
        "share": own.shown,
        "usual_sector": sector.shown if told else None,
    }


def _far(now: Share, usual: Share, points: int, deviations: int) -> bool:
    """Whether two shares differ by more than so many percentage points, and by more than chance would have it."""
    distance = abs(now.percent - usual.percent)
    pooled = (now + usual).percent / 100
    deviation = 100 * sqrt(pooled * (1 - pooled) * (1 / now.of + 1 / usual.of))
    return distance > points and distance > deviations * deviation
