"""Negative entries that are not shown: five years, one-off repair, disputes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from huxin.decision import policy_on
from huxin.decision.display import shown, years_before
from huxin.decision.facts import Facts
from support.decisions import answer, levels, loan, picture

POLICY = policy_on(date(2026, 5, 31))


def past(**changes: Any) -> dict[str, Any]:
    """A closed loan that was written off."""
    return loan(**({"open": False, "status": 5, "balance": 0, "class5": 5} | changes))


@pytest.mark.parametrize(
    ("bad_until", "shown_still"),
    [("2021-05-31", True), ("2021-05-30", False), ("2025-01-01", True), (None, True)],
)
def test_five_years_after_the_default_ended_it_is_gone(bad_until: str | None, shown_still: bool) -> None:
    found = answer(picture(past(bad_until=bad_until)))
    assert (found["delinquency"]["past_defaults"] == 1) is shown_still
    assert ("OVERDUE" in levels(found)) is shown_still


def test_what_is_still_overdue_is_never_gone() -> None:
    found = answer(picture(loan(dpd=91, overdue=1, bad_until="2020-01-01")))
    assert found["outcome"] == "ineligible"


def test_a_closed_loan_keeps_its_last_arrears_for_five_years_and_no_longer() -> None:
    """A member goes on sending what it wrote off, with arrears that grow by themselves."""
    kept, gone = (
        answer(picture(past(dpd=900, dpd24=900, overdue=1, bad_until=day)))
        for day in ("2021-05-31", "2021-05-30")
    )
    assert kept["delinquency"] == gone["delinquency"] | {"past_defaults": 1}
    assert (kept["delinquency"]["max_dpd_now"], kept["delinquency"]["max_dpd_24m"]) == (0, 0)
    assert (kept["outcome"], gone["outcome"]) == ("refer", "eligible")


@pytest.mark.parametrize(("bad_until", "longest"), [("2024-05-31", 60), ("2024-05-30", 0)])
def test_arrears_of_more_than_24_months_ago_are_not_within_24_months(bad_until: str, longest: int) -> None:
    long_ago = loan(open=False, status=7, dpd24=60, bad_until=bad_until, principal=50_000_00)
    assert answer(picture(long_ago))["delinquency"]["max_dpd_24m"] == longest


@pytest.mark.parametrize(
    ("today", "oldest"),
    [
        ("2026-05-31", "2021-05-31"),
        ("2028-02-29", "2023-03-01"),
        ("2025-02-28", "2020-02-28"),
        ("2025-03-01", "2020-03-01"),
    ],
)
def test_five_years_by_the_calendar(today: str, oldest: str) -> None:
    assert years_before(date.fromisoformat(today), 5) == date.fromisoformat(oldest)


def test_an_open_loan_loses_its_past_and_keeps_its_balance() -> None:
    found = answer(picture(loan(dpd24=60, event=4, bad_until="2021-05-30")))
    assert found["delinquency"]["max_dpd_24m"] == 0
    assert found["exposure"]["outstanding"] == "5000.00"
    assert found["outcome"] == "eligible"


def mended(**changes: Any) -> dict[str, Any]:
    """An open loan of 50,000 yuan that was 60 days and 9,000 yuan overdue, repaid before the day."""
    given = {
        "principal": 50_000_00,
        "dpd24": 60,
        "bad_until": "2025-12-31",
        "bad_since": "2025-11-02",
        "bad_amount": 9_000_00,
    }
    return loan(**(given | changes))


@pytest.mark.parametrize(
    ("changes", "hidden"),
    [
        ({}, True),
        ({"bad_amount": 10_000_00}, True),
        ({"bad_amount": 10_000_01}, False),
        ({"bad_amount": None}, False),
        ({"bad_amount": None, "principal": 10_000_00}, True),
        ({"bad_since": "2025-12-31", "bad_until": "2026-03-30"}, True),
        ({"bad_since": "2025-12-31", "bad_until": "2026-03-31"}, False),
        ({"bad_since": "2026-01-01", "bad_until": "2026-01-05"}, False),
        ({"bad_since": "2019-12-31"}, False),
        ({"bad_since": "2020-01-01"}, True),
        ({"bad_since": None, "bad_until": "2026-02-28"}, True),
        ({"bad_since": None, "bad_until": "2026-03-02"}, False),
        ({"kind": 2}, False),
        ({"kind": 3}, False),
        ({"event": 4}, False),
        ({"event": 5}, False),
        ({"open": False, "status": 7, "closed_on": "2026-03-31", "bad_until": "2026-03-31"}, True),
        ({"open": False, "status": 7, "closed_on": "2026-04-01", "bad_until": "2026-04-01"}, False),
        ({"open": False, "status": 5, "closed_on": "2026-03-01", "bad_until": "2026-03-01"}, False),
        ({"open": False, "status": 6, "closed_on": "2026-03-01", "bad_until": "2026-03-01"}, False),
    ],
)
def test_one_off_repair(changes: dict[str, Any], hidden: bool) -> None:
    found = answer(picture(mended(**changes)))
    assert (found["delinquency"]["max_dpd_24m"] == 0) is hidden


def test_the_repair_is_not_applied_before_its_day_or_without_a_rule() -> None:
    loans = Facts.from_json(picture(mended())).loans
    assert shown(loans, POLICY.display, date(2025, 12, 31))[0].dpd24 == 60
    assert shown(loans, POLICY.display, date(2026, 1, 1))[0].dpd24 == 0
    none = replace(POLICY.display, repair=None)
    assert shown(loans, none, date(2026, 5, 31))[0].dpd24 == 60


def test_a_dispute_is_marked_and_counts_or_is_set_aside() -> None:
    facts = picture(loan(disputed=True, dpd=100, class5=3, overdue=1, status=2, dpd24=100), loan())
    counted = answer(facts)
    assert counted["outcome"] == "ineligible"
    assert levels(counted)["DISPUTED"] == "info"
    aside = replace(POLICY, display=replace(POLICY.display, disputed="set_aside"))
    found = answer(facts, policy=aside)
    assert levels(found) == {"DISPUTED": "info"}
    assert found["exposure"]["outstanding"] == "10000.00"
    assert found["delinquency"]["max_dpd_24m"] == 0
