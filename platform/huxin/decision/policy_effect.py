"""How a policy would have judged what another one judged: outcomes and flags beside each other, and their sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from huxin.decision.codes import LEVELS, OUTCOMES
from huxin.decision.facts import Asked, Coverage, Facts
from huxin.decision.flags import flags
from huxin.decision.policy import EXACT, Policy, Tier
from huxin.decision.situation import situation

SAMPLES: Final = 5
_WHOLE: Final = Tier(EXACT, True, frozenset())


@dataclass(frozen=True, slots=True)
class Judged:
    """The outcome, and the level of each flag that fired."""

    outcome: str
    levels: Mapping[str, str]


def judged(facts: Facts, coverage: Coverage, policy: Policy, asked: Asked, tier: str) -> Judged:
    """As `decide` judges for a member of the tier, whatever it shows of it; one that the policy lacks sees all."""
    fired = flags(situation(facts, coverage, policy, asked, policy.tiers.get(tier, _WHOLE)))
    levels = {flag["code"]: flag["level"] for flag in fired}
    worst = max([LEVELS.index(level) for level in levels.values()], default=0)
    return Judged(OUTCOMES[worst], levels)


def _matrix() -> dict[str, dict[str, int]]:
    return {before: dict.fromkeys(OUTCOMES, 0) for before in OUTCOMES}


@dataclass
class Effect:
    """Sums over enquiries; grows by no enquiry, but for at most SAMPLES ids of each change."""

    enquiries: int = 0
    changed: int = 0
    outcomes: dict[str, dict[str, int]] = field(default_factory=_matrix)
    gained: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    heavier: Counter[str] = field(default_factory=Counter)
    lighter: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    samples: dict[str, list[str]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)

    def add(self, enquiry: str, kind: str, before: Judged, after: Judged) -> None:
        """One enquiry of a lender of that kind."""
        self.enquiries += 1
        self.outcomes[before.outcome][after.outcome] += 1
        self.kinds.setdefault(kind, _matrix())[before.outcome][after.outcome] += 1
        if before.outcome != after.outcome:
            self.changed += 1
            self._sample(f"{before.outcome}→{after.outcome}", enquiry)
        if before.levels != after.levels:
            self._flags(enquiry, before.levels, after.levels)

    def leave_out(self, code: str) -> None:
        """An enquiry that cannot be worked out again, by the code of the reason."""
        self.left_out[code] += 1

    def told(self) -> dict[str, Any]:
        """As JSON: `outcomes` old → new, `flags` by code, `by_kind`, `samples` by change, `left_out` by code."""
        codes = sorted({*self.gained, *self.lost, *self.heavier, *self.lighter})
        return {
            "enquiries": self.enquiries,
            "changed": self.changed,
            "outcomes": self.outcomes,
            "flags": {
                code: {
                    "gained": self.gained[code],
                    "lost": self.lost[code],
                    "heavier": self.heavier[code],
                    "lighter": self.lighter[code],
                }
                for code in codes
            },
            "by_kind": {kind: _of_kind(matrix) for kind, matrix in sorted(self.kinds.items())},
            "samples": dict(sorted(self.samples.items())),
            "left_out": dict(sorted(self.left_out.items())),
        }

    def _flags(self, enquiry: str, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        for code in {*before, *after}:
            if code not in before:
                self.gained[code] += 1
                self._sample(f"+{code}", enquiry)
            elif code not in after:
                self.lost[code] += 1
                self._sample(f"-{code}", enquiry)
            elif before[code] != after[code]:
                worse = LEVELS.index(after[code]) > LEVELS.index(before[code])
                (self.heavier if worse else self.lighter)[code] += 1

    def _sample(self, change: str, enquiry: str) -> None:
        kept = self.samples.setdefault(change, [])
        if len(kept) < SAMPLES:
            kept.append(enquiry)


def _of_kind(matrix: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    total = sum(count for row in matrix.values() for count in row.values())
    same = sum(matrix[outcome][outcome] for outcome in OUTCOMES)
    return {"enquiries": total, "changed": total - same, "outcomes": matrix}
