"""Each flag by example: quiet, at its limit, and beyond it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from huxin.decision import Asked, Coverage, policy_on
from huxin.decision.flags import RULES
from huxin.decision.texts import FIGURES, FLAGS
from support.decisions import answer, count, figures, levels, loan, picture, reservation

ASK = Asked("consumer", 10_000_00)
GUARANTEE = Asked("consumer", 10_000_00, "guarantee")
WATCH = Asked("consumer", None, "post_loan")
POLICY = policy_on(date(2026, 5, 31))


def at(*members: int, **changes: Any) -> list[dict[str, Any]]:
    return [loan(m=member, **changes) for member in members]


def guaranteed(number: int, **changes: Any) -> list[dict[str, Any]]:
    return [loan(role=3, **changes) for _ in range(number)]


def mobile(subjects: int) -> dict[str, Any]:
    return {"subjects": subjects, "enquiries": [count(d7=1)]}


OWED = 190_000_00  # with the 10,000 asked for, exactly the consumer cap
CASES: dict[str, list[tuple[str, dict[str, Any], Asked, str | None]]] = {
    "MULTI_LENDER": [
        ("nobody yet", picture(), ASK, None),
        ("the third", picture(*at(1, 2)), ASK, None),
        ("the fourth", picture(*at(1, 2, 3)), ASK, "refer"),
        ("one of the three asks", picture(*at(0, 1, 2)), ASK, None),
        ("two loans of one lender", picture(*at(1, 1, 2)), ASK, None),
        ("a reservation takes the place", picture(*at(1, 2), reservations=[reservation()]), ASK, "refer"),
        ("a lender reserves", picture(*at(1, 2), reservations=[reservation(m=2)]), ASK, None),
        ("own reservation", picture(*at(1, 2), reservations=[reservation(m=0)]), ASK, None),
        ("guaranteed ones are no lenders", picture(*at(1, 2), loan(m=3, role=3)), ASK, None),
        ("closed ones neither", picture(*at(1, 2), loan(m=3, open=False, status=7)), ASK, None),
        ("a guarantor with three lenders", picture(*at(1, 2, 3)), GUARANTEE, None),
        ("after the loan", picture(*at(0, 1, 2)), WATCH, None),
        ("after the loan, four", picture(*at(0, 1, 2, 3)), WATCH, "refer"),
    ],
    "OVER_CAP": [
        ("at the cap", picture(loan(balance=OWED)), ASK, None),
        ("a cent above", picture(loan(balance=OWED + 1)), ASK, "ineligible"),
        (
            "by reservation",
            picture(loan(balance=OWED), reservations=[reservation(amount=1)]),
            ASK,
            "refer",
        ),
        (
            "own reservation is this loan",
            picture(loan(balance=OWED), reservations=[reservation(m=0)]),
            ASK,
            None,
        ),
        ("another product", picture(loan(balance=OWED + 1, product=2)), ASK, None),
        ("no product, owed above", picture(loan(balance=200_000_01)), Asked(), "ineligible"),
        ("no product, all above the widest", picture(), Asked(None, 10_000_000_01), "ineligible"),
        ("no product, at the widest", picture(), Asked(None, 10_000_000_00), None),
        ("agricultural at its cap", picture(), Asked("agricultural", 300_000_00), None),
        ("agricultural above", picture(), Asked("agricultural", 300_000_01), "ineligible"),
        ("the sixth loan", picture(*at(1, 1, 1, 1, 1)), ASK, None),
        ("the seventh", picture(*at(1, 1, 1, 1, 1, 1)), ASK, "ineligible"),
        (
            "the seventh by reservation",
            picture(*at(1, 1, 1, 1, 1), reservations=[reservation()]),
            ASK,
            "refer",
        ),
        ("a guarantee adds none", picture(loan(balance=200_000_00)), GUARANTEE, None),
    ],
    "OVERDUE": [
        ("paid up", picture(loan()), ASK, None),
        ("one day", picture(loan(dpd=1, overdue=1, status=2)), ASK, "refer"),
        ("thirty days, long over", picture(loan(dpd24=30, bad_until="2025-01-01")), ASK, None),
        ("thirty-one", picture(loan(dpd24=31, bad_until="2025-01-01")), ASK, "refer"),
        ("a closed one", picture(loan(open=False, status=7, dpd24=31, bad_until="2025-01-01")), ASK, "refer"),
        ("a guaranteed one", picture(loan(role=3, dpd=20, dpd24=80)), ASK, None),
        ("written off and closed", picture(loan(open=False, status=5, balance=0)), ASK, "refer"),
        ("paid by its guarantor", picture(loan(open=False, status=7, event=4)), ASK, "refer"),
        ("sold as bad", picture(loan(open=False, status=6, class5=3)), ASK, "refer"),
        ("sold as good", picture(loan(open=False, status=6)), ASK, None),
    ],
    "NON_PERFORMING": [
        ("ninety days", picture(loan(dpd=90)), ASK, None),
        ("ninety-one, called normal", picture(loan(dpd=91)), ASK, "ineligible"),
        ("special mention", picture(loan(class5=2)), ASK, None),
        ("substandard", picture(loan(class5=3)), ASK, "ineligible"),
        ("written off, owed", picture(loan(status=5)), ASK, "ineligible"),
        ("substandard but closed", picture(loan(class5=3, open=False, status=7)), ASK, None),
        ("guaranteed", picture(loan(class5=5, role=3)), ASK, None),
    ],
    "STACKING": [
        ("two asked", picture(others_recent={"enquiries": 9, "members": 2}), ASK, None),
        ("three asked", picture(others_recent={"enquiries": 3, "members": 3}), ASK, "refer"),
        ("reserved", picture(reservations=[reservation()]), ASK, "refer"),
        (
            "reserved a week ago",
            picture(reservations=[reservation(granted_at="2026-05-24T14:00:00Z")]),
            ASK,
            "refer",
        ),
        ("and longer", picture(reservations=[reservation(granted_at="2026-05-24T13:59:59Z")]), ASK, None),
        ("reserved by the member itself", picture(reservations=[reservation(m=0)]), ASK, None),
    ],
    "GUARANTOR_LOAD": [
        ("three loans", picture(*guaranteed(3)), ASK, None),
        ("four", picture(*guaranteed(4)), ASK, "refer"),
        ("three and one asked about", picture(*guaranteed(3)), GUARANTEE, "refer"),
        ("a million", picture(*guaranteed(1, balance=1_000_000_00)), ASK, None),
        ("a cent more", picture(*guaranteed(1, balance=1_000_000_01)), ASK, "refer"),
        ("with the one asked about", picture(*guaranteed(1, balance=990_000_01)), GUARANTEE, "refer"),
        ("at ninety days", picture(*guaranteed(1, dpd=90)), ASK, None),
        ("at ninety-one", picture(*guaranteed(1, dpd=91)), ASK, "refer"),
        ("closed ones", picture(*guaranteed(4, open=False, status=7)), ASK, None),
    ],
    "SHARED_MOBILE": [
        ("none asked with", picture(), ASK, None),
        ("two subjects", picture(mobile=mobile(2)), ASK, None),
        ("three", picture(mobile=mobile(3)), ASK, "refer"),
    ],
    "NAME_DIFFERS": [
        ("agrees", picture(loan()), ASK, None),
        ("unknown", picture(loan(name=None)), ASK, None),
        ("differs", picture(loan(name=False)), ASK, "refer"),
        ("differs at one of two", picture(loan(), loan(name=False)), ASK, "refer"),
    ],
    "HARDSHIP": [
        ("none", picture(loan(hardship=1)), ASK, None),
        ("not said", picture(loan(hardship=None)), ASK, None),
        ("arrangement", picture(loan(hardship=2)), ASK, "info"),
        ("disaster", picture(loan(hardship=3)), ASK, "info"),
        ("closed", picture(loan(hardship=2, open=False, status=7)), ASK, None),
    ],
    "RESTRUCTURED": [
        ("extended", picture(loan(status=3, event=2)), ASK, None),
        ("restructured", picture(loan(status=4)), ASK, "refer"),
        ("partly waived", picture(loan(event=5)), ASK, "refer"),
        ("for hardship", picture(loan(status=4, hardship=2)), ASK, None),
        ("one for hardship, one not", picture(loan(status=4, hardship=2), loan(status=4)), ASK, "refer"),
    ],
    "DISPUTED": [
        ("none", picture(loan()), ASK, None),
        ("a loan", picture(loan(disputed=True)), ASK, "info"),
        ("something else", picture(disputes=1), ASK, "info"),
    ],
}
EXAMPLES = [
    pytest.param(code, facts, asked, level, id=f"{code}: {name}")
    for code, cases in CASES.items()
    for name, facts, asked, level in cases
]


@pytest.mark.parametrize(("code", "facts", "asked", "level"), EXAMPLES)
def test_a_flag_fires_when_it_should(
    code: str, facts: dict[str, Any], asked: Asked, level: str | None
) -> None:
    assert levels(answer(facts, asked)).get(code) == level


@pytest.mark.parametrize(
    ("reported", "members", "level"),
    [(4, 5, None), (3, 4, "info"), (6, 6, None), (0, 0, "info"), (79, 100, "info")],
)
def test_low_coverage(reported: int, members: int, level: str | None) -> None:
    found = answer(picture(), coverage=Coverage(members, reported, date(2026, 5, 30)))
    assert levels(found).get("LOW_COVERAGE") == level
    assert found["outcome"] == "eligible"


def test_every_flag_has_its_examples() -> None:
    assert {*CASES, "LOW_COVERAGE"} == set(FLAGS) == set(RULES)
    assert list(RULES) == list(FLAGS) == list(POLICY.levels)
    for cases in CASES.values():
        assert {bool(level) for _, _, _, level in cases} == {True, False}


@pytest.mark.parametrize(("code", "facts", "asked", "level"), [e for e in EXAMPLES if e.values[3]])
def test_a_reason_says_its_figures_in_both_languages(
    code: str, facts: dict[str, Any], asked: Asked, level: str
) -> None:
    flag = next(flag for flag in answer(facts, asked)["flags"] if flag["code"] == code)
    assert set(flag["figures"]) == set(FIGURES[code])
    for text in flag["reason"].values():
        assert "{" not in text
        assert "None" not in text
        if code not in ("OVER_CAP", "NON_PERFORMING", "HARDSHIP", "DISPUTED", "NAME_DIFFERS"):
            said = [str(figure) for figure in flag["figures"].values()]
            assert [figure for figure in said if figure not in text and code != "OVERDUE"] == []


def test_the_reason_of_a_cap_adds_up_for_its_reader() -> None:
    found = answer(picture(loan(balance=OWED), reservations=[reservation(amount=5_000_00)]))
    assert figures(found, "OVER_CAP")["exceeded"] == [
        {
            "cap": "outstanding",
            "product": "consumer",
            "limit": "200000.00",
            "owed": "190000.00",
            "pending": "5000.00",
            "asked": "10000.00",
        }
    ]
    reason = next(flag["reason"] for flag in found["flags"] if flag["code"] == "OVER_CAP")
    assert "消费贷余额（元）现有 190000.00 + 授信占用 5000.00 + 本笔 10000.00，上限 200000.00" in reason["zh"]
    assert "consumer outstanding (yuan) 190000.00 + 5000.00 reserved + 10000.00 asked for" in reason["en"]


def test_a_cap_on_debt_service_counts_what_there_is() -> None:
    capped = replace(POLICY, caps=replace(POLICY.caps, max_debt_service=1_000_00))
    at_cap = picture(loan(next_due=500_00), loan(next_due=500_00))
    assert answer(at_cap, policy=capped)["outcome"] == "eligible"
    above = answer(picture(loan(next_due=500_00), loan(next_due=500_01)), policy=capped)
    assert levels(above) == {"OVER_CAP": "ineligible"}
    assert figures(above, "OVER_CAP")["exceeded"][0]["cap"] == "debt_service"


def test_the_story_of_two_lenders() -> None:
    """Both may lend; one reserves; the other is told within the same second, and not by whom."""
    before = answer(picture(*at(1, 2)))
    after = answer(picture(*at(1, 2), reservations=[reservation(m=3)]))
    assert (before["outcome"], before["flags"]) == ("eligible", [])
    assert after["outcome"] == "refer"
    assert levels(after) == {"MULTI_LENDER": "refer", "STACKING": "refer"}
    assert figures(after, "MULTI_LENDER") == {
        "lenders_after": 4,
        "lenders": 2,
        "reserved": 1,
        "max_lenders": 3,
    }


def test_the_outcome_is_the_worst_level() -> None:
    assert answer(picture(loan(hardship=2)))["outcome"] == "eligible"
    assert answer(picture(loan(hardship=2, name=False)))["outcome"] == "refer"
    assert answer(picture(loan(name=False, class5=3)))["outcome"] == "ineligible"
