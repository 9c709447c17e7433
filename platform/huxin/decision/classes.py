"""Five-tier classes: the floor by days past due and the cross-member rule, by the version in force on a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from huxin.decision.codes import CLASSES, KINDS, STATUS_WRITTEN_OFF
from huxin.decision.facts import Loan
from huxin.decision.shapes import Check, day, many, one_of, optional, record, whole, word
from huxin.decision.yaml_file import read_yaml
from huxin.paths import schema_root


@dataclass(frozen=True)
class Floor:
    """More days past due than `above_dpd` ask for at least class `code`."""

    above_dpd: int
    code: int


@dataclass(frozen=True)
class CrossMember:
    """When more than `above_percent` of a subject's debt is over `above_dpd` days past due, it is of class `code`."""

    kinds: frozenset[int]
    above_dpd: int
    above_percent: int
    code: int


@dataclass(frozen=True)
class ClassRules:
    """The rules in force from a day on; floors from light to heavy, `written_off` a class code or 0."""

    since: date
    floors: tuple[Floor, ...] = ()
    cross_member: CrossMember | None = None
    written_off: int = 0

    def of_loan(self, loan: Loan) -> int:
        """The class that counts: the member's own, or the floor where that is heavier."""
        code = loan.class5
        for floor in self.floors:
            if loan.dpd > floor.above_dpd and floor.code > code:
                code = floor.code
        return max(code, self.written_off) if loan.status == STATUS_WRITTEN_OFF else code

    def of_subject(self, debts: Sequence[Loan]) -> int:
        """The class that the whole of a non-retail subject's debt gives it; 0 when the rule does not apply."""
        rule = self.cross_member
        if rule is None or not any(loan.kind in rule.kinds for loan in debts):
            return 0
        late = sum(loan.balance for loan in debts if loan.dpd > rule.above_dpd)
        owed = sum(loan.balance for loan in debts)
        return rule.code if late * 100 > owed * rule.above_percent else 0


def class_rules_on(on: date, root: Path | None = None) -> ClassRules:
    """The rules in force on a day; before the first of them, none."""
    for rules in reversed(load_class_rules(root)):
        if rules.since <= on:
            return rules
    return ClassRules(date.min)


@lru_cache(maxsize=8)
def load_class_rules(root: Path | None = None) -> tuple[ClassRules, ...]:
    """The versions of classes/five_tier.yaml, oldest first. HuxinError H1501, H1502, H1503 for a faulty file."""
    loaded = read_yaml((root or schema_root()) / "classes", "five_tier.yaml")
    table = record({"name": word, "versions": many(_VERSION)})(loaded, "five_tier.yaml")
    return tuple(sorted(table["versions"], key=lambda rules: rules.since))


def _version(**fields: Any) -> ClassRules:
    floors = tuple(sorted(fields["floors"], key=lambda floor: floor.above_dpd))
    return ClassRules(fields["from"], floors, fields["cross_member"], fields["written_off"] or 0)


def _floor(**fields: Any) -> Floor:
    return Floor(fields["above_dpd"], fields["class"])


def _cross_member(**fields: Any) -> CrossMember:
    kinds = frozenset(KINDS.index(kind) for kind in fields["kinds"])
    return CrossMember(kinds, fields["above_dpd"], fields["above_percent"], fields["class"])


def _class_code(value: Any, place: str) -> int:
    return CLASSES.index(one_of(CLASSES)(value, place))


_VERSION: Check = record(
    {
        "from": day,
        "floors": many(record({"above_dpd": whole(0), "class": _class_code}, _floor)),
        "cross_member": optional(
            record(
                {
                    "kinds": many(one_of(KINDS)),
                    "above_dpd": whole(0),
                    "above_percent": whole(0, 100),
                    "class": _class_code,
                },
                _cross_member,
            )
        ),
        "written_off": optional(_class_code),
    },
    _version,
)
