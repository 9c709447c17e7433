"""The data-quality index of a member: pure arithmetic over what it reported, one number of 0 to 100 and its parts.

    index = (Wt x timeliness + Wr x rejects + Wc x completeness + Ws x stability) / (Wt + Wr + Wc + Ws)

    timeliness    100 x days published in time / days published
    rejects       100 x (1 - share of rejected rows / reject_percent), not below 0
    completeness  100 x days published / days due x (1 - loans that vanished from full files / rows sent)
    stability     100 x the mean over days of (1 - change of the number of open loans from the day before
                  / swing_percent), each not below 0

Weights and percentages are those of schemas/policy/reporting.yaml. A part that nothing can be said of (no rows, or one
day only) is left out with its weight; where nothing was due and nothing came there is no index. A day on which an
extension was kept is in time; a missed day that was made up for within its grant is published, and not in time.
"""

from __future__ import annotations

from dataclasses import dataclass

from huxin.oversight.reporting_policy import QualityRules


@dataclass(frozen=True)
class Figures:
    """What is counted of a member's days. `swings` sums `steps` day-on-day changes, each as a share up to the limit."""

    due: int = 0
    published: int = 0
    on_time: int = 0
    rows: int = 0
    rejected: int = 0
    vanished: int = 0
    swings: float = 0.0
    steps: int = 0


@dataclass(frozen=True)
class Quality:
    """The index and its parts, 0 to 100 with one decimal; None where nothing can be said."""

    index: float | None
    timeliness: float | None
    rejects: float | None
    completeness: float | None
    stability: float | None


def quality_of(rules: QualityRules, figures: Figures) -> Quality:
    """The index as this module's docstring states it."""
    f = figures
    parts = {
        "timeliness": f.on_time / f.published if f.published else None,
        "rejects": max(0.0, 1 - f.rejected / f.rows / (rules.reject_percent / 100)) if f.rows else None,
        "completeness": _completeness(f),
        "stability": 1 - f.swings / f.steps / (rules.swing_percent / 100) if f.steps else None,
    }
    weights = vars(rules.weights)
    told = {name: value for name, value in parts.items() if value is not None}
    whole = sum(weights[name] for name in told)
    index = sum(weights[name] * value for name, value in told.items()) / whole if whole else None
    return Quality(*(_percent(value) for value in (index, *parts.values())))


def _completeness(figures: Figures) -> float | None:
    if not figures.due:
        return None
    kept = 1 - min(1.0, figures.vanished / figures.rows) if figures.rows else 1.0
    return min(1.0, figures.published / figures.due) * kept


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * min(1.0, max(0.0, share)), 1)
