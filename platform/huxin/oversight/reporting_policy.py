"""Reads and checks schemas/policy/reporting.yaml: when reports are due, and what data quality is measured by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from huxin.decision.shapes import day, record, truth, whole, word
from huxin.decision.yaml_file import read_yaml
from huxin.errors import HuxinError
from huxin.paths import schema_root

FILE = "reporting.yaml"


@dataclass(frozen=True)
class Due:
    """A day's report is due `days_after` it at `hour`:`minute` of Shanghai."""

    days_after: int
    hour: int
    minute: int


@dataclass(frozen=True)
class Weights:
    """What each part counts in the index, relative to the others."""

    timeliness: int
    rejects: int
    completeness: int
    stability: int


@dataclass(frozen=True)
class QualityRules:
    """Over how many days quality is measured, the weights, and at which percentages a part is worth nothing."""

    days: int
    weights: Weights
    reject_percent: int
    swing_percent: int


@dataclass(frozen=True)
class ReportingPolicy:
    """One version, in force from `effective_on` until the next."""

    version: str
    effective_on: date
    due: Due
    weekends: bool
    quality: QualityRules


_WEIGHT = whole(0, 100)
_ENTRY = record(
    {
        "version": word,
        "effective_on": day,
        "due": record({"days_after": whole(0, 31), "hour": whole(0, 23), "minute": whole(0, 59)}, Due),
        "weekends": truth,
        "quality": record(
            {
                "days": whole(1, 366),
                "weights": record(dict.fromkeys(Weights.__dataclass_fields__, _WEIGHT), Weights),
                "reject_percent": whole(1, 100),
                "swing_percent": whole(1, 1000),
            },
            QualityRules,
        ),
    },
    ReportingPolicy,
)


@lru_cache(maxsize=8)
def load_reporting_policies(root: Path | None = None) -> tuple[ReportingPolicy, ...]:
    """The versions of policy/reporting.yaml below `root` (default: the shipped schemas), oldest first.

    HuxinError H1501 (unreadable), H1502 (keys), H1503 (values, or all weights 0), H1504 (doubled version or day).
    """
    entries = read_yaml((root or schema_root()) / "policy", FILE)
    if not isinstance(entries, list) or not entries:
        raise HuxinError("H1503", place=FILE, wanted="list with a policy")
    policies: list[ReportingPolicy] = [_ENTRY(entry, f"{FILE}[{i}]") for i, entry in enumerate(entries)]
    for name in ("version", "effective_on"):
        if len({getattr(policy, name) for policy in policies}) < len(policies):
            raise HuxinError("H1504", place=name)
    if not all(any(vars(policy.quality.weights).values()) for policy in policies):
        raise HuxinError("H1503", place=f"{FILE}.weights", wanted="a weight above 0")
    return tuple(sorted(policies, key=lambda policy: policy.effective_on))


def reporting_policy(on: date, root: Path | None = None) -> ReportingPolicy:
    """The policy in force on a business day; HuxinError H2301 when none is, and those of the file."""
    for policy in reversed(load_reporting_policies(root)):
        if policy.effective_on <= on:
            return policy
    raise HuxinError("H2301", day=on.isoformat())
