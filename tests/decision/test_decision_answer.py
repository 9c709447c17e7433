"""The answer's parts by example, the debt service, the match grade, and the facts it refuses."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from huxin.decision import Asked, Coverage, Facts, canonical, policy_on
from huxin.decision.exposure import monthly
from huxin.errors import HuxinError
from support.decisions import answer, count, loan, picture, reservation


def test_exposure_counts_as_the_contract_does() -> None:
    found = answer(
        picture(
            loan(m=0, balance=1_000_00),
            loan(m=1, balance=2_000_00),
            loan(m=1, role=2, balance=3_000_00),
            loan(m=2, role=3, balance=7_000_00),
            loan(m=3, open=False, status=7, balance=0),
            reservations=[reservation(m=0, amount=1_00), reservation(m=4, amount=2_50)],
        )
    )["exposure"]
    assert found["lenders"] == 2
    assert found["open_loans"] == 3
    assert found["outstanding"] == "6000.00"
    assert (found["guaranteed_loans"], found["guaranteed_balance"]) == (1, "7000.00")
    assert found["pending_reservations"] == {"count": 2, "amount": "3.50"}
    assert found["own"]["outstanding"] == "1000.00"
    assert found["others"]["pending_reservations"] == {"count": 1, "amount": "2.50"}


DUE = "2026-11-27"  # 180 days, six months


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"method": 1, "next_due": 500_00}, 500_00),
        ({"method": 1, "next_due": None, "balance": 5_000_00, "terms_left": 3}, 1_666_67),
        ({"method": 1, "next_due": None, "balance": 6_000_00, "terms_left": None}, 1_000_00),
        ({"method": 2, "next_due": 50_00, "balance": 6_000_00}, 1_050_00),
        ({"method": 2, "next_due": 6_060_00, "balance": 6_000_00}, 1_010_00),
        ({"method": 2, "next_due": None, "balance": 6_000_00}, 1_000_00),
        ({"method": 3, "next_due": 6_600_00, "balance": 6_000_00}, 1_100_00),
        ({"method": 3, "next_due": 0, "balance": 6_000_00}, 1_000_00),
        ({"method": 3, "next_due": 6_600_00, "balance": 6_000_00, "due_on": "2026-05-01"}, 6_600_00),
        ({"method": 3, "next_due": 6_600_00, "balance": 6_000_00, "due_on": "2026-11-28"}, 942_86),
        ({"method": 1, "next_due": 500_00, "status": 5}, 0),
    ],
)
def test_monthly_debt_service(changes: dict[str, Any], wanted: int) -> None:
    facts = Facts.from_json(picture(loan(**({"due_on": DUE} | changes))))
    assert monthly(facts.loans[0], facts.today) == wanted


@pytest.mark.parametrize(
    ("names", "grade", "agrees"),
    [
        ((), "none", None),
        ((None,), "identifier", None),
        ((True, None), "full", True),
        ((True, False), "partial", False),
        ((False, None), "differs", False),
    ],
)
def test_the_match_grade(names: tuple[bool | None, ...], grade: str, agrees: bool | None) -> None:
    found = answer(picture(*[loan(name=name) for name in names]))
    assert found["match"] == {"grade": grade, "name_agrees": agrees}
    assert found["subject_known"] is bool(names)


def test_enquiries_are_split_by_lender_kind_and_window() -> None:
    found = answer(
        picture(
            enquiries=[count(own=True, d7=1, d365=4), count(d7=2, d365=2), count(kind="bank", d365=3)],
            enquirers30=2,
            mobile={"subjects": 1, "enquiries": [count(d90=1)]},
        )
    )["enquiries"]
    assert list(found["by_subject"]) == ["d7", "d15", "d30", "d90", "d180", "d365"]
    assert found["by_subject"]["d365"] == {
        "all": 9,
        "own": 4,
        "others": 5,
        "by_kind": {"bank": 3, "microlender": 6},
    }
    assert found["by_mobile"]["subjects"] == 1
    assert found["by_mobile"]["d90"]["others"] == 1
    assert found["other_lenders_d30"] == 2


def test_delinquency_tells_now_and_two_years() -> None:
    found = answer(
        picture(
            loan(dpd=5, overdue=1, dpd24=40, hardship=2),
            loan(open=False, status=7, dpd24=60, bad_until="2025-01-01"),
        )
    )["delinquency"]
    assert (found["max_dpd_now"], found["max_dpd_24m"]) == (5, 60)
    assert (found["worst_class"], found["hardship"], found["restructured"]) == ("normal", True, False)
    assert answer(picture())["delinquency"]["worst_class"] is None


def test_coverage_is_rounded_down_and_read_back_from_an_answer() -> None:
    coverage = Coverage(3, 2, date(2026, 5, 28))
    found = answer(picture(), coverage=coverage)["coverage"]
    assert found == {"members": 3, "reported": 2, "share": "0.6666", "oldest_as_of": "2026-05-28"}
    assert Coverage.from_json(found) == coverage
    assert answer(picture(), coverage=Coverage(0, 0))["coverage"]["share"] is None
    assert answer(picture(), coverage=Coverage(10_001, 10_000))["coverage"]["share"] == "0.9999"


def test_the_canonical_answer_is_utf8_without_blanks() -> None:
    text = canonical(answer(picture(loan(name=False)))).decode()
    assert '"en":"The identifier is the same' in text
    assert "请核对身份" in text
    assert text.startswith('{"coverage":{"members":6,')


def test_amounts_are_banded_with_the_lower_end_included() -> None:
    policy = policy_on(date(2026, 5, 31))
    assert [policy.band(cents) for cents in (0, 1, 999_99, 1_000_00, 2_999_99, 10_000_000_00)] == [
        "0.00",
        "0.01-1000.00",
        "0.01-1000.00",
        "1000.00-3000.00",
        "1000.00-3000.00",
        "10000000.00+",
    ]


def without(facts: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name != key}


@pytest.mark.parametrize(
    "facts",
    [
        *(without(picture(), key) for key in picture()),
        *(picture(without(loan(), key)) for key in loan()),
        picture() | {"more": 1},
        picture(loan(more=1)),
        picture(without(loan(more=1), "m")),
        picture(loan(bad_since="2026-01-01")),
        picture(loan(bad_since="2026-01-01", other=1)),
        picture(loan(balance=1.5)),
        picture(loan(balance="1")),
        picture(loan(balance=-1)),
        picture(loan(balance=True)),
        picture(loan(role=4)),
        picture(loan(class5=0)),
        picture(loan(status=9)),
        picture(loan(open=1)),
        picture(loan(due_on="soon")),
        picture(loan(due_on=None)),
        picture(reservations=[without(reservation(), "amount")]),
        picture(reservations=[reservation(amount=-1)]),
        picture(reservations=[reservation(granted_at="2026-05-31T00:00:00")]),
        picture(enquiries=[without(count(), "d7")]),
        picture(enquiries=[count(own=1)]),
        picture(enquiries=[count(d7=-1)]),
        picture(mobile={"subjects": 1}),
        picture(mobile={"subjects": None, "enquiries": []}),
        picture(now="noon"),
        picture(today=20260531),
        picture(disputes=None),
        picture(others_recent={"enquiries": 1}),
        [],
    ],
)
def test_facts_of_another_shape_are_refused(facts: Any) -> None:
    with pytest.raises(HuxinError) as refused:
        Facts.from_json(json.dumps(facts))
    assert refused.value.code == "H1510"


def test_facts_come_as_bytes_text_or_mapping() -> None:
    facts = picture(loan(bad_since=None, bad_amount=None), loan())
    text = json.dumps(facts)
    assert Facts.from_json(text) == Facts.from_json(text.encode()) == Facts.from_json(facts)
    with pytest.raises(HuxinError):
        Facts.from_json("{")


@pytest.mark.parametrize(
    "asked", [{"product": "mortgage"}, {"product": ""}, {"amount": -1}, {"purpose": "curiosity"}]
)
def test_questions_of_another_kind_are_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(HuxinError) as refused:
        Asked(**asked)
    assert refused.value.code == "H1512"
    assert str(next(iter(asked.values()))) not in refused.value.text("en") or not next(iter(asked.values()))


def test_a_tier_that_the_policy_does_not_know_is_refused() -> None:
    with pytest.raises(HuxinError) as refused:
        answer(picture(), tier="gold")
    assert refused.value.code == "H1511"
