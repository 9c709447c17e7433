"""Class floors by days past due, and the cross-member rule for subjects that are not retail."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from huxin.contract import load_contract
from huxin.decision import codes
from huxin.decision.classes import class_rules_on, load_class_rules
from huxin.decision.facts import Facts
from huxin.errors import HuxinError
from support.decisions import answer, loan, picture

TODAY = date(2026, 5, 31)


def read(*loans: dict[str, Any]) -> tuple[Any, ...]:
    return Facts.from_json(picture(*loans)).loans


@pytest.mark.parametrize(
    ("dpd", "sent", "counts"),
    [
        *((0, 1, 1), (90, 1, 1), (90, 2, 2), (91, 1, 3), (91, 4, 4), (270, 1, 3)),
        *((271, 1, 4), (360, 1, 4), (361, 1, 5), (361, 5, 5)),
    ],
)
def test_the_heavier_of_floor_and_word_counts(dpd: int, sent: int, counts: int) -> None:
    assert class_rules_on(TODAY).of_loan(read(loan(dpd=dpd, class5=sent))[0]) == counts


def test_before_the_rules_a_members_word_counts() -> None:
    late = read(loan(dpd=400, kind=3))
    before, after = class_rules_on(date(2023, 6, 30)), class_rules_on(date(2023, 7, 1))
    assert (before.of_loan(late[0]), before.of_subject(late)) == (1, 0)
    assert (after.of_loan(late[0]), after.of_subject(late)) == (5, 3)


@pytest.mark.parametrize(
    ("kind", "late", "rest", "dpd", "applies"),
    [
        (3, 20_00, 80_00, 91, False),
        (3, 20_01, 79_99, 91, True),
        (3, 50_00, 50_00, 90, False),
        (1, 50_00, 50_00, 91, False),
        (2, 50_00, 50_00, 91, False),
        (3, 0, 0, 91, False),
    ],
)
def test_more_than_a_fifth_of_the_debt_long_overdue_classes_the_subject(
    kind: int, late: int, rest: int, dpd: int, applies: bool
) -> None:
    facts = picture(loan(m=1, kind=kind, dpd=dpd, balance=late), loan(m=0, kind=kind, balance=rest))
    found = answer(facts)["delinquency"]
    assert found["cross_member"] is applies
    assert (found["worst_class"] in ("substandard", "doubtful", "loss")) is (dpd > 90)


def test_codes_are_those_of_the_contract() -> None:
    contract = load_contract()

    def names(field: str) -> list[str]:
        return [label.name for label in contract.field(field).labels]

    for field, listed in (
        ("product", codes.PRODUCTS),
        ("borrower_kind", codes.KINDS),
        ("class5", codes.CLASSES),
    ):
        assert names(field) == list(listed[1:])
        assert [label.code for label in contract.field(field).labels] == list(range(1, len(listed)))
    assert [label.zh for label in contract.field("class5").labels] == list(codes.CLASSES_ZH[1:])
    for field, label, code in (
        ("role", "guarantor", codes.ROLE_GUARANTOR),
        ("status", "active", codes.STATUS_ACTIVE),
        ("status", "restructured", codes.STATUS_RESTRUCTURED),
        ("status", "written_off", codes.STATUS_WRITTEN_OFF),
        ("status", "transferred", codes.STATUS_TRANSFERRED),
        ("status", "settled", codes.STATUS_SETTLED),
        ("repayment_method", "equal_installment", codes.METHOD_EQUAL),
        ("repayment_method", "interest_first", codes.METHOD_INTEREST_FIRST),
        ("repayment_method", "bullet", codes.METHOD_BULLET),
        ("special_event", "substitution", codes.EVENT_SUBSTITUTION),
        ("special_event", "relief", codes.EVENT_RELIEF),
        ("hardship", "none", codes.HARDSHIP_NONE),
        ("class5", "substandard", codes.SUBSTANDARD),
    ):
        assert {entry.name: entry.code for entry in contract.field(field).labels}[label] == code
    assert len(names("status")) == codes.STATUSES


def test_a_faulty_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "classes").mkdir()
    (tmp_path / "classes" / "five_tier.yaml").write_text(
        "name: five_tier\nversions:\n  - {from: 2023-07-01, floors: [], cross_member: null}\n",
        encoding="utf-8",
    )
    with pytest.raises(HuxinError) as refused:
        load_class_rules(tmp_path)
    assert refused.value.code == "H1502"
