"""What the night tolerates, read from schemas/policy/nightly.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import yaml

from huxin_checks.paths import schema_root


@dataclass(frozen=True)
class NightPolicy:
    """Shares between 0 and 1; `currencies` are ISO 4217 codes that loans may be in."""

    effective_on: date
    reject_share: float
    vanish_share: float
    currencies: tuple[str, ...]


def night_policy(as_of: date) -> NightPolicy:
    """The policy in force on a day. Raises LookupError when none is."""
    for entry in reversed(_entries()):
        if entry.effective_on <= as_of:
            return entry
    raise LookupError(f"no night policy is in force on {as_of}")


def first_policy_day() -> date:
    """The day from which on there is a policy."""
    return _entries()[0].effective_on


@lru_cache(maxsize=1)
def _entries() -> tuple[NightPolicy, ...]:
    loaded = yaml.safe_load((schema_root() / "policy" / "nightly.yaml").read_text(encoding="utf-8"))
    entries = (NightPolicy(**{**entry, "currencies": tuple(entry["currencies"])}) for entry in loaded)
    return tuple(sorted(entries, key=lambda entry: entry.effective_on))
