"""The checks over the rows of a file: repeated parties, loans whose rows disagree, loans without a primary."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huxin.contract import load_contract
from huxin_checks.rules import joined, keys, set_rules
from huxin_checks.rules.catalogue import SET_RULES
from huxin_checks.rules.keys import shared
from support.frames import parsed_frame
from support.rows import good_row, resident_id

CONTRACT = load_contract()
Row = dict[str, Any]


def party(loan: str = "L1", person: int = 1, role: str = "primary", **changes: str) -> Row:
    return good_row(loan_no=loan, id_no=resident_id(person), role=role, **changes)


def failing(code: str, *rows: Row, mode: int = 2) -> list[int]:
    """Numbers (from 0) of the rows that fail the check, each way of calling it agreeing."""
    frame = keys(parsed_frame(rows, mode=mode))
    rule = set_rules()[code]["loan_no"]
    assert rule(frame).to_list() == rule(joined([frame])).to_list()
    return rule(frame).arg_true().to_list()


def test_the_set_rules_are_those_of_the_contract() -> None:
    assert list(set_rules()) == [c.code for c in CONTRACT.checks if c.phase == "set"]
    for code, rule in SET_RULES.items():
        assert rule.__name__.startswith(f"{code.lower()}_")
        assert rule.__doc__


def test_e2001_all_but_the_first_of_a_party() -> None:
    assert failing("E2001", party(), party("L2"), party(), party()) == [2, 3]


def test_e2001_other_parties_and_other_loans_are_no_repetition() -> None:
    assert failing("E2001", party(), party(person=2, role="guarantor"), party("L2")) == []


def test_e2001_knows_an_identifier_in_any_spelling() -> None:
    typed = f" {resident_id(1)[:6]} {resident_id(1)[6:].lower()}"
    assert failing("E2001", party(), {**party(), "id_no": typed, "loan_no": "'L1"}) == [1]


def test_e2001_the_country_belongs_to_a_passport() -> None:
    rows = [
        party(id_type="passport", id_country=land) | {"id_no": "E1234567"} for land in ("JPN", "USA", "JPN")
    ]
    assert failing("E2001", *rows) == [2]


def test_e2001_says_nothing_of_rows_without_a_sound_key() -> None:
    broken = {**party(), "id_no": "1.1E+17"}
    assert failing("E2001", broken, broken, {**party(), "loan_no": ""}, {**party(), "loan_no": ""}) == []


def test_e2001_a_party_both_kept_and_deleted_is_repeated() -> None:
    assert failing("E2001", party(), {**party(), "action": "delete"}) == [1]


def test_e2002_every_row_of_a_loan_that_disagrees() -> None:
    rows = [
        party(),
        party("L2"),
        party(person=2, role="guarantor", balance="14999.99"),
        party(person=3, role="guarantor"),
    ]
    assert failing("E2002", *rows) == [0, 2, 3]


@pytest.mark.parametrize(
    "field", [f for f in CONTRACT.fields if not f.party and f.name != "loan_no"], ids=lambda f: f.name
)
def test_e2002_looks_at_every_field_of_the_loan(field: Any) -> None:
    other = {
        "text": "else",
        "pattern": "USD",
        "money": "1.23",
        "rate": "1.23",
        "integer": "7",
        "date": "2026-03-03",
    }
    cell = other.get(field.kind) or next(w.name for w in field.labels if w.name != good_row()[field.name])
    assert failing("E2002", party(), party(person=2, role="guarantor", **{field.name: cell})) == [0, 1]


@pytest.mark.parametrize(
    "field",
    [f for f in CONTRACT.fields if f.party and f.name not in ("id_type", "id_no", "role")],
    ids=lambda f: f.name,
)
def test_e2002_a_party_may_differ(field: Any) -> None:
    cell = {"enum": "sole_trader", "date": "2027-01-01"}.get(field.kind, "JPN")
    cell = "upsert" if field.name == "action" else cell
    assert failing("E2002", party(action=""), party(person=2, role="guarantor", **{field.name: cell})) == []


def test_e2002_compares_values_and_not_their_spelling() -> None:
    spelt = {"balance": "15,000.00", "disbursed_on": "2026/1/15", "status": "正常", "annual_rate": "10.90%"}
    assert failing("E2002", party(), party(person=2, role="guarantor", **spelt)) == []


def test_e2002_compares_texts_where_there_is_no_value() -> None:
    assert failing("E2002", party(balance="x"), party(person=2, role="guarantor", balance="x")) == []
    assert failing("E2002", party(balance="x"), party(person=2, role="guarantor", balance="y")) == [0, 1]
    assert failing("E2002", party(balance="x"), party(person=2, role="guarantor", balance="")) == [0, 1]


def test_e2002_values_that_change_places_are_noticed() -> None:
    one = party(terms="36", terms_left="12", next_due_amount="1.00", overdue_amount="2.00")
    two = party(
        person=2, role="guarantor", terms="12", terms_left="36", next_due_amount="2.00", overdue_amount="1.00"
    )
    assert failing("E2002", one, two) == [0, 1]


def test_e2002_a_delete_row_says_nothing_of_the_loan() -> None:
    gone = {"loan_no": "L1", "id_type": "resident_id", "id_no": resident_id(2), "action": "delete"}
    assert failing("E2002", party(), gone) == []


def test_e2003_a_loan_needs_a_primary() -> None:
    rows = [
        party(),
        party("L2", 2, "guarantor"),
        party("L2", 3, "co_borrower"),
        party(person=4, role="guarantor"),
    ]
    assert failing("E2003", *rows) == [1, 2]


def test_e2003_a_rejected_primary_counts() -> None:
    primary = {**party(), "id_no": "1.1E+17", "balance": "x"}
    assert failing("E2003", primary, party(person=2, role="guarantor")) == []


def test_e2003_a_role_that_was_not_read_may_be_the_primary() -> None:
    assert failing("E2003", party(role="whatever"), party(person=2, role="guarantor")) == []


def test_e2003_deletions_need_no_primary_and_are_none() -> None:
    gone = {"loan_no": "L1", "id_type": "resident_id", "id_no": resident_id(2), "action": "delete"}
    assert failing("E2003", gone) == []
    assert failing("E2003", {**gone, "role": "primary"}, party(person=3, role="guarantor")) == [1]


def test_submissions_of_one_group_do_not_meet() -> None:
    one, two = parsed_frame([party()]), parsed_frame([party(balance="1.00")], sub=1)
    guarantor = parsed_frame([party(person=2, role="guarantor")], sub=2)
    whole = joined([keys(one), keys(two), keys(guarantor)])
    found = {code: tests["loan_no"](whole).to_list() for code, tests in set_rules().items()}
    assert found == {"E2001": [False] * 3, "E2002": [False] * 3, "E2003": [False, False, True]}


def test_batches_of_one_file_do() -> None:
    parts = [
        keys(parsed_frame([row]))
        for row in (party(), party(), party(person=2, role="guarantor", balance="x"))
    ]
    whole = joined(parts)
    assert set_rules()["E2001"]["loan_no"](whole).to_list() == [False, True, False]
    assert set_rules()["E2002"]["loan_no"](whole).to_list() == [True, True, True]


@pytest.mark.parametrize("fellows", [3, 900])
def test_a_shared_loan_is_known_where_few_are_and_where_most_are(fellows: int) -> None:
    loans = [7 * i for i in range(1_200)] + [7 * i for i in range(fellows)] + [None]
    frame = pl.DataFrame({"loan": loans}, schema={"loan": pl.UInt64}).sample(fraction=1, shuffle=True, seed=4)
    expected = (frame["loan"] < 7 * fellows).fill_null(False)
    for few in (0, 10_000):
        assert shared(frame, few).to_list() == expected.to_list()


def test_an_empty_file() -> None:
    whole = joined([keys(parsed_frame([]))])
    assert {code: len(tests["loan_no"](whole)) for code, tests in set_rules().items()} == dict.fromkeys(
        SET_RULES, 0
    )


def test_keys_are_small_and_hold_nothing_readable() -> None:
    frame = keys(parsed_frame([party(loan=f"L{i}", person=i) for i in range(1, 1001)]))
    assert frame.estimated_size() <= 37 * frame.height
    assert not {pl.String, pl.Binary} & set(frame.dtypes)
    assert frame.columns == ["_sub", "_record", "loan", "loan_check", "party", "terms", "primary", "delete"]


def test_no_two_loans_or_parties_are_taken_for_one() -> None:
    frame = keys(parsed_frame([party(loan=f"L{i}", person=i) for i in range(20_000)]))
    assert [frame[name].n_unique() for name in ("loan", "loan_check", "party")] == [20_000] * 3


def test_two_loans_whose_first_hash_agrees_are_still_two() -> None:
    rows = [party(), party("L2", 2, "guarantor", balance="1.00"), party("L2", 2, "guarantor", balance="1.00")]
    frame = keys(parsed_frame(rows)).with_columns(loan=pl.lit(7, dtype=pl.UInt64))
    found = {code: tests["loan_no"](frame).to_list() for code, tests in set_rules().items()}
    assert found == {"E2001": [False, False, True], "E2002": [False] * 3, "E2003": [False, True, True]}


ROWS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 2),
        st.sampled_from(["primary", "guarantor", "co_borrower", "?"]),
        st.sampled_from(["1.00", "2.00"]),
        st.booleans(),
    ),
    max_size=14,
)


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_the_rules_agree_with_a_plain_count(rows: list[tuple[int, int, str, str, bool]]) -> None:
    cells = [
        party(f"L{loan}", person + 1, role, balance=balance, action="delete" if gone else "")
        for loan, person, role, balance, gone in rows
    ]
    kept: dict[int, list[tuple[int, int, str, str, bool]]] = defaultdict(list)
    for row in rows:
        if not row[4]:
            kept[row[0]].append(row)
    again = [row[:2] in [before[:2] for before in rows[:i]] for i, row in enumerate(rows)]
    differ = [not row[4] and len({r[3] for r in kept[row[0]]}) > 1 for row in rows]
    without = [not row[4] and not any(r[2] in ("primary", "?") for r in kept[row[0]]) for row in rows]
    for code, expected in (("E2001", again), ("E2002", differ), ("E2003", without)):
        assert failing(code, *cells) == [i for i, fails in enumerate(expected) if fails], code
