"""Reads and checks schemas/policy/guard.yaml: from where on a member's enquiries are out of the ordinary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from huxin.decision.codes import PURPOSES
from huxin.decision.shapes import day, record, whole, word
from huxin.decision.yaml_file import read_yaml
from huxin.errors import HuxinError
from huxin.paths import schema_root

FILE = "guard.yaml"


@dataclass(frozen=True)
class HitRate:
    """Shares of enquiries that met a known subject; distances in percentage points."""

    days: int
    usual_days: int
    least: int
    from_own: int
    from_sector: int
    deviations: int
    explained_days: int


@dataclass(frozen=True)
class Conversion:
    """Shares of subjects asked about that became borrowers; `below` (percent) by purpose."""

    nights: int
    days: int
    least: int
    below: Mapping[str, int]
    of_sector: int


@dataclass(frozen=True)
class Repeated:
    """One subject, one member, no loan: so many enquiries within so many days."""

    days: int
    enquiries: int


@dataclass(frozen=True)
class Unreported:
    """Converted reservations of one member whose loans did not come: so many that ended within so many days."""

    days: int
    least: int


@dataclass(frozen=True)
class Quota:
    """Enquiries refused because the day's quota was used up."""

    refused: int


@dataclass(frozen=True)
class GuardPolicy:
    """One version, in force from `effective_on` until the next."""

    version: str
    effective_on: date
    hit_rate: HitRate
    conversion: Conversion
    repeated: Repeated
    unreported: Unreported
    quota: Quota


_DAYS = whole(1, 365)
_PERCENT = whole(0, 100)
_ENTRY = record(
    {
        "version": word,
        "effective_on": day,
        "hit_rate": record(
            {
                "days": _DAYS,
                "usual_days": _DAYS,
                "least": whole(1),
                "from_own": whole(1, 100),
                "from_sector": whole(1, 100),
                "deviations": whole(1, 100),
                "explained_days": whole(0, 3650),
            },
            HitRate,
        ),
        "conversion": record(
            {
                "nights": _DAYS,
                "days": _DAYS,
                "least": whole(1),
                "below": record(dict.fromkeys(PURPOSES, _PERCENT)),
                "of_sector": _PERCENT,
            },
            Conversion,
        ),
        "repeated": record({"days": _DAYS, "enquiries": whole(2)}, Repeated),
        "unreported": record({"days": _DAYS, "least": whole(1)}, Unreported),
        "quota": record({"refused": whole(1)}, Quota),
    },
    GuardPolicy,
)


@lru_cache(maxsize=8)
def load_guard_policies(root: Path | None = None) -> tuple[GuardPolicy, ...]:
    """The versions of policy/guard.yaml below `root` (default: the shipped schemas), oldest first.

    HuxinError H1501 (unreadable), H1502 (keys), H1503 (values), H1504 (doubled version or day).
    """
    entries = read_yaml((root or schema_root()) / "policy", FILE)
    if not isinstance(entries, list) or not entries:
        raise HuxinError("H1503", place=FILE, wanted="list with a policy")
    policies: list[GuardPolicy] = [_ENTRY(entry, f"{FILE}[{i}]") for i, entry in enumerate(entries)]
    for name in ("version", "effective_on"):
        if len({getattr(policy, name) for policy in policies}) < len(policies):
            raise HuxinError("H1504", place=name)
    return tuple(sorted(policies, key=lambda policy: policy.effective_on))


def guard_policy(on: date, root: Path | None = None) -> GuardPolicy:
    """The policy in force on a business day. HuxinError H1901 when none is, and those of the file."""
    for policy in reversed(load_guard_policies(root)):
        if policy.effective_on <= on:
            return policy
    raise HuxinError("H1901", day=on.isoformat())
