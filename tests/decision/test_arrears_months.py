"""Months of arrears: days grow within a month, end with the loan, and hide what may not be shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from huxin.decision import Facts
from huxin.decision.arrears import MONTHS, Month, Paid, Spell, months_of
from huxin.decision.policy import SET_ASIDE, Display
from support.decisions import loan, picture

DISPLAY = Display(negative_years=5, disputed="count", repair=None)
BEGUN = date(2026, 1, 15)


def paid(*spells: Spell, own: bool = False, role: int = 1, until: date | None = None) -> Paid:
    return Paid(own, role, BEGUN, until, spells)


def told(*paid_: Paid, display: Display = DISPLAY, **changes: Any) -> dict[str, Month]:
    rows = [loan(m=0 if each.own else 1, role=each.role, **changes) for each in paid_]
    months = months_of(Facts.from_json(picture(*rows)), display, paid_)
    assert len(months) == MONTHS
    return {f"{month.first:%Y-%m}": month for month in months}


def test_days_grow_month_by_month_up_to_today() -> None:
    months = told(paid(Spell(date(2026, 3, 11), date(2026, 5, 31), 81)))
    assert [months[f"2026-0{number}"].others for number in (1, 2, 3, 4, 5)] == [0, 0, 20, 50, 81]
    assert {month.own for month in months.values()} == {None}
    assert months["2025-12"].others is None
    assert list(months) == sorted(months)
    assert (min(months), max(months)) == ("2024-06", "2026-05")


def test_what_was_paid_ends_and_the_loan_with_it() -> None:
    months = told(paid(Spell(date(2026, 2, 1), date(2026, 3, 3), 30), until=date(2026, 4, 2)))
    assert [months[f"2026-0{number}"].others for number in (2, 3, 4, 5)] == [27, 30, 0, None]


def test_the_longest_of_each_side_counts() -> None:
    late, later = (
        Spell(date(2026, 5, 1), date(2026, 5, 20), 19),
        Spell(date(2026, 4, 21), date(2026, 5, 31), 40),
    )
    months = told(paid(late, own=True), paid(late), paid(later))
    assert (months["2026-05"].own, months["2026-05"].others) == (19, 40)
    assert (months["2026-04"].own, months["2026-04"].others) == (0, 9)


def test_a_guarantee_is_no_debt() -> None:
    months = told(paid(Spell(date(2026, 5, 1), date(2026, 5, 31), 30), role=3))
    assert {(month.own, month.others) for month in months.values()} == {(None, None)}


def test_what_the_policy_does_not_show_had_no_arrears() -> None:
    spell = Spell(date(2026, 3, 11), date(2026, 5, 30), 80)
    hidden = replace(DISPLAY, disputed=SET_ASIDE)
    assert told(paid(spell), disputed=True)["2026-05"].others == 80
    assert told(paid(spell), display=hidden, disputed=True)["2026-05"].others == 0


def test_other_loans_than_the_facts_are_no_answer() -> None:
    with pytest.raises(ValueError, match="zip"):
        months_of(Facts.from_json(picture(loan())), DISPLAY, [])
