"""Reads and checks schemas/policy/enquiry.yaml: every key present, known, of its kind, and in agreement."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from huxin.decision.codes import CLASSES, KINDS, LEVELS, PRODUCTS, PURPOSES, SUBSTANDARD
from huxin.decision.policy import (
    BANDED,
    COUNTED,
    EXACT,
    QUERY_ONLY,
    SET_ASIDE,
    Caps,
    Display,
    Policy,
    Quota,
    Repair,
    Reservations,
    Thresholds,
    Tier,
)
from huxin.decision.shapes import Check, day, each, many, one_of, optional, record, truth, whole, word, yuan
from huxin.decision.texts import FLAGS, check_texts
from huxin.decision.yaml_file import read_yaml
from huxin.errors import HuxinError
from huxin.paths import schema_root

SECTIONS = ("subject_known", "flags", "exposure", "delinquency", "enquiries", "match")
INFO_ONLY = ("HARDSHIP", "DISPUTED")

_DAYS = whole(1, 365)
_DPD = whole(0, 3650)


def _set_of(names: tuple[str, ...]) -> Check:
    listed = many(one_of(names))
    return lambda value, place: frozenset(listed(value, place))


def _present(**caps: int | None) -> MappingProxyType[str, int]:
    return MappingProxyType({name: cap for name, cap in caps.items() if cap is not None})


_OUTSTANDING = record({name: optional(yuan) for name in PRODUCTS if name}, _present)
_FIELDS: dict[str, Check] = {
    "version": word,
    "effective_on": day,
    "texts": word,
    "caps": record(
        {
            "max_lenders": whole(1, 100),
            "max_open_loans": optional(whole(1, 1000)),
            "max_debt_service": optional(yuan),
            "max_outstanding": _OUTSTANDING,
        },
        Caps,
    ),
    "windows": record({"stacking_days": _DAYS, "coverage_days": _DAYS, "reciprocity_days": _DAYS}),
    "thresholds": record(
        {
            "overdue_above_dpd": _DPD,
            "overdue_above_dpd_24m": _DPD,
            "non_performing_class": one_of(CLASSES[SUBSTANDARD:]),
            "stacking_members": whole(1, 1000),
            "stacking_reservations": whole(1, 1000),
            "guaranteed_loans": whole(0, 1000),
            "guaranteed_balance": yuan,
            "guaranteed_dpd": _DPD,
            "shared_mobile_subjects": whole(2, 1000),
            "coverage_percent": whole(0, 100),
        },
        Thresholds,
    ),
    "levels": record(dict.fromkeys(FLAGS, one_of(LEVELS))),
    "pending_level": one_of(LEVELS),
    "tiers": each(
        record({"amounts": one_of((EXACT, BANDED)), "by_kind": truth, "sections": _set_of(SECTIONS)}, Tier)
    ),
    "bands": many(yuan),
    "others_in_steps": optional(yuan),
    "quotas": each(
        record(dict.fromkeys(PURPOSES, record({"per_minute": whole(0), "per_day": whole(0)}, Quota)))
    ),
    "reservations": record(
        {
            "default_hours": whole(1, 8760),
            "maximum_hours": whole(1, 8760),
            "convert_days": _DAYS,
            "in_vain": optional(whole(1, 1000)),
        },
        Reservations,
        since={"in_vain": 5},
    ),
    "display": record(
        {
            "negative_years": whole(1, 50),
            "disputed": one_of((COUNTED, SET_ASIDE)),
            "repair": optional(
                record(
                    {
                        "effective_on": day,
                        "kinds": _set_of(KINDS),
                        "max_amount": yuan,
                        "arisen_from": day,
                        "arisen_until": day,
                        "repaid_by": day,
                    },
                    Repair,
                )
            ),
        },
        Display,
    ),
}


@lru_cache(maxsize=8)
def load_policies(root: Path | None = None) -> tuple[Policy, ...]:
    """The versions of policy/enquiry.yaml below `root` (default: the shipped schemas), oldest first.

    HuxinError H1501 (unreadable), H1502 (keys), H1503 (values), H1504 (doubled version or day), H1505 (hardship or
    a dispute that would decide), H1506 (contradiction), H1508 (a flag's text).
    """
    folder = (root or schema_root()) / "policy"
    entries = read_yaml(folder, "enquiry.yaml")
    if not isinstance(entries, list) or not entries:
        raise HuxinError("H1503", place="enquiry.yaml", wanted="list with a policy")
    policies = [_policy(entry, f"enquiry.yaml[{i}]", folder) for i, entry in enumerate(entries)]
    for name in ("version", "effective_on"):
        if len({getattr(policy, name) for policy in policies}) < len(policies):
            raise HuxinError("H1504", place=name)
    return tuple(sorted(policies, key=lambda policy: policy.effective_on))


def policy_on(on: date, root: Path | None = None) -> Policy:
    """The policy in force on a business day. HuxinError H1507 when none is, and those of `load_policies`."""
    for policy in reversed(load_policies(root)):
        if policy.effective_on <= on:
            return policy
    raise HuxinError("H1507", day=on.isoformat())


def policy_version(version: str, root: Path | None = None) -> Policy:
    """The policy of that version, to compute a past answer again. HuxinError H1513 when there is none."""
    for policy in load_policies(root):
        if policy.version == version:
            return policy
    raise HuxinError("H1513", version=version[:32])


def policy_entry(entry: Any, place: str, root: Path | None = None) -> Policy:
    """One entry of the list as a value; its texts are those shipped. Errors as `load_policies`, which name `place`."""
    return _policy(entry, place, (root or schema_root()) / "policy")


def _policy(entry: Any, place: str, folder: Path) -> Policy:
    fields = record(_FIELDS, since={"others_in_steps": None})(entry, place)
    fields.update(fields.pop("windows"))
    name = f"{fields.pop('texts')}.yaml"
    policy = Policy(texts=check_texts(read_yaml(folder, name), name), **fields)
    _agreement(policy, place)
    return policy


def _agreement(policy: Policy, place: str) -> None:
    """What no value alone can be wrong in."""
    for code in INFO_ONLY:
        if policy.levels[code] != "info":
            raise HuxinError("H1505", place=f"{place}.levels.{code}")
    hours, repair = policy.reservations, policy.display.repair
    faults = {
        "tiers": (QUERY_ONLY in policy.tiers, f"{QUERY_ONLY} is one of them"),
        "quotas": (policy.quotas.keys() == policy.tiers.keys(), "quotas = tiers"),
        "bands": (bool(policy.bands) and policy.bands[0] > 0 and _rises(policy.bands), "0 < a < b < c"),
        "others_in_steps": (policy.others_in_steps != 0, "> 0 | null"),
        "reservations": (hours.default_hours <= hours.maximum_hours, "default_hours <= maximum_hours"),
        "display.repair": (
            repair is None or repair.arisen_from <= repair.arisen_until <= repair.repaid_by,
            "arisen_from <= arisen_until <= repaid_by",
        ),
    }
    for part, (agrees, wanted) in faults.items():
        if not agrees:
            raise HuxinError("H1506", place=f"{place}.{part}", wanted=wanted)


def _rises(values: tuple[int, ...]) -> bool:
    return all(a < b for a, b in pairwise(values))
