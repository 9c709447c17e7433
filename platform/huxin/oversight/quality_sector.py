"""A member's quality beside the sector's, in which nobody can be told: quartiles of the others, and none of a few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Final

from huxin.oversight.quality import Quality

# Of fewer others a quartile would tell of one of them.
LEAST: Final = 5
PARTS: Final = ("index", "timeliness", "rejects", "completeness", "stability")


@dataclass(frozen=True)
class Beside:
    """One figure of a member, and lower quartile, median and upper quartile of the others'; None where not told."""

    name: str
    own: float | None
    lower: float | None
    median: float | None
    upper: float | None


def beside(own: Quality, others: Sequence[Quality]) -> list[Beside]:
    """Index and parts of `own` beside those of `others`, in the order of PARTS."""
    return [
        Beside(name, getattr(own, name), *_quartiles([getattr(each, name) for each in others]))
        for name in PARTS
    ]


def _quartiles(values: Sequence[float | None]) -> tuple[float | None, float | None, float | None]:
    known = [value for value in values if value is not None]
    if len(known) < LEAST:
        return None, None, None
    lower, median, upper = quantiles(known, n=4, method="inclusive")
    return round(lower, 1), round(median, 1), round(upper, 1)
