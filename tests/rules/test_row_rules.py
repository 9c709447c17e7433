"""Every check of phases cell and row, with rows that must pass and rows that must fail, and at which field."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huxin.contract import load_contract
from huxin_checks.cells import parse
from huxin_checks.rules import row_rules
from huxin_checks.rules.catalogue import ROW_RULES
from support.frames import parsed_frame, raw_frame
from support.rows import AS_OF, good_row, overdue, resident_id, settled, uscc

CONTRACT = load_contract()
RULES = row_rules(CONTRACT)
Row = dict[str, Any]
FULL, INCREMENTAL = 1, 2

GOOD = good_row()
LATE = overdue(good_row(), 30)
CLOSED = settled(good_row())
WRONG_CHECK = resident_id(1)[:17] + ("0" if resident_id(1)[17] != "0" else "1")


def company(**changes: str) -> Row:
    return good_row(id_type="uscc", id_no=uscc(1), borrower_kind="company", **changes)


def passport(**changes: str) -> Row:
    return {**good_row(id_type="passport", id_no="E1234567", id_country="JPN"), **changes}


def delete(**changes: str) -> Row:
    needed = ("loan_no", "id_type", "id_no")
    return {**{name: GOOD[name] for name in needed}, "action": "delete", **changes}


# Code -> (row, the field of its finding): these fail.
MUST_FAIL: dict[str, list[tuple[Row, str]]] = {
    "E1001": [
        *(({**GOOD, field.name: ""}, field.name) for field in CONTRACT.fields if field.required),
        ({**GOOD, "name": "NULL"}, "name"),
        ({**GOOD, "dpd": " "}, "dpd"),
        (passport(id_country=""), "id_country"),
        (delete(id_no=""), "id_no"),
        (delete(loan_no=""), "loan_no"),
        (delete(id_type=""), "id_type"),
        (delete(id_type="passport", id_no="E1234567"), "id_country"),
    ],
    "E1101": [
        ({**GOOD, "id_no": WRONG_CHECK}, "id_no"),
        (company() | {"id_no": uscc(1)[:17] + ("A" if uscc(1)[17] != "A" else "B")}, "id_no"),
        (delete(id_no=WRONG_CHECK), "id_no"),
    ],
    "E1102": [({**GOOD, "id_no": "1.20103199001E+17"}, "id_no"), ({**GOOD, "id_no": "1.1E+17"}, "id_no")],
    "E1103": [
        ({**GOOD, "id_no": "110105194902300021"}, "id_no"),
        ({**GOOD, "id_no": "990105194912310021"}, "id_no"),
    ],
    "E1104": [
        ({**GOOD, "id_no": "11010519491231"}, "id_no"),
        ({**GOOD, "id_no": "张三"}, "id_no"),
        (passport(id_no="E1"), "id_no"),
        (company() | {"id_no": "911101050000"}, "id_no"),
    ],
    "E1105": [
        ({**GOOD, "borrower_kind": "company"}, "id_type"),
        (passport(borrower_kind="company"), "id_type"),
        (company() | {"borrower_kind": "individual"}, "id_type"),
    ],
    "E1201": [
        ({**GOOD, "principal": "0.00"}, "principal"),
        ({**GOOD, "principal": "-18000.00"}, "principal"),
        ({**GOOD, "principal": "9" * 20}, "principal"),
        ({**GOOD, "balance": "-0.01"}, "balance"),
        ({**GOOD, "annual_rate": "36.0001"}, "annual_rate"),
        ({**GOOD, "annual_rate": "-1"}, "annual_rate"),
        ({**GOOD, "terms": "-1"}, "terms"),
        ({**GOOD, "terms_left": "-1"}, "terms_left"),
        ({**GOOD, "next_due_amount": "-5"}, "next_due_amount"),
        ({**GOOD, "overdue_amount": "-5"}, "overdue_amount"),
        ({**GOOD, "dpd": "-1"}, "dpd"),
        ({**GOOD, "max_dpd": "99999"}, "max_dpd"),
    ],
    "E1202": [
        *(
            ({**GOOD, name: "12.5‰abc"}, name)
            for name in ("annual_rate", "principal", "balance", "terms", "dpd")
        ),
        *(
            ({**GOOD, name: "many"}, name)
            for name in ("terms_left", "next_due_amount", "overdue_amount", "max_dpd")
        ),
        ({**GOOD, "principal": "2E+05"}, "principal"),
        ({**GOOD, "principal": "100.001"}, "principal"),
    ],
    "E1203": [
        *(
            ({**GOOD, field.name: "2026-02-30"}, field.name)
            for field in CONTRACT.fields
            if field.kind == "date"
        ),
        ({**GOOD, "due_on": "soon"}, "due_on"),
    ],
    "E1301": [
        *(
            ({**GOOD, field.name: "whatever"}, field.name)
            for field in CONTRACT.fields
            if field.kind == "enum"
        ),
        (delete(id_type="whatever"), "id_type"),
    ],
    "E1302": [
        ({**GOOD, "region": "1101"}, "region"),
        ({**GOOD, "region": "11010X"}, "region"),
        ({**GOOD, "currency": "RMB"}, "currency"),
        ({**GOOD, "currency": "USD"}, "currency"),
        ({**GOOD, "currency": "cny"}, "currency"),
        (passport(id_country="Japan"), "id_country"),
    ],
    "E1401": [
        ({**GOOD, "loan_no": "J" * 65}, "loan_no"),
        ({**GOOD, "loan_no": "J\n1"}, "loan_no"),
        ({**GOOD, "contract_no": "J" * 65}, "contract_no"),
        ({**GOOD, "name": "张" * 129}, "name"),
        ({**GOOD, "name": "张\t三"}, "name"),
        ({**GOOD, "purpose": "装" * 33}, "purpose"),
        ({**GOOD, "consent_no": "S\x00"}, "consent_no"),
        (delete(loan_no="J\x07"), "loan_no"),
    ],
    "E2101": [({**GOOD, "balance": "20000.01"}, "balance")],
    "E2102": [({**GOOD, "terms_left": "37"}, "terms_left")],
    "E2201": [({**GOOD, "disbursed_on": "2026-06-01"}, "disbursed_on")],
    "E2202": [({**GOOD, "due_on": "2026-01-14"}, "due_on")],
    "E2301": [
        ({**CLOSED, "closed_on": ""}, "closed_on"),
        ({**CLOSED, "status": "revoked", "closed_on": ""}, "closed_on"),
        ({**GOOD, "status": "transferred"}, "closed_on"),
        ({**GOOD, "closed_on": "2026-05-30"}, "closed_on"),
        ({**LATE, "closed_on": "2026-05-30"}, "closed_on"),
        ({**CLOSED, "balance": "0.01"}, "balance"),
    ],
    "E2401": [
        ({**LATE, "dpd": "29"}, "dpd"),
        ({**LATE, "overdue_since": ""}, "overdue_since"),
        ({**GOOD, "overdue_since": "2026-05-01"}, "overdue_since"),
        ({**LATE, "overdue_amount": "0.00"}, "overdue_amount"),
        ({**GOOD, "overdue_amount": "0.01"}, "overdue_amount"),
        ({**LATE, "status": "active"}, "status"),
        ({**LATE, "status": "settled"}, "status"),
        ({**GOOD, "status": "overdue"}, "status"),
    ],
    "E2402": [({**LATE, "max_dpd": "29"}, "max_dpd")],
    "E2501": [({**LATE, "adverse_notice_on": ""}, "adverse_notice_on")],
    "E2601": [
        ({**GOOD, "consent_no": ""}, "consent_no"),
        ({**GOOD, "consent_until": ""}, "consent_until"),
        ({**GOOD, "consent_until": "2026-05-30"}, "consent_until"),
    ],
    "E2701": [(delete(), "action")],
    "W3101": [
        ({**overdue(GOOD, 91), "class5": "special_mention"}, "class5"),
        ({**overdue(GOOD, 100), "class5": "normal"}, "class5"),
        ({**overdue(GOOD, 271), "class5": "substandard"}, "class5"),
        ({**overdue(GOOD, 361), "class5": "doubtful"}, "class5"),
    ],
    "W3201": [({**GOOD, "mobile": "12345"}, "mobile"), ({**GOOD, "mobile": "023800000001"}, "mobile")],
    "W3301": [({**GOOD, "id_no": "110105491231002"}, "id_no")],
    "W3401": [({**GOOD, "annual_rate": "24.01"}, "annual_rate")],
}

# Code -> rows that its check must let pass, near to those that fail.
MUST_PASS: dict[str, list[Row]] = {
    "E1001": [passport(), {**GOOD, "mobile": "", "contract_no": "", "terms": ""}, delete()],
    "E1101": [{**GOOD, "id_no": "11010519491231002X"}, {**GOOD, "id_no": "440524188001010014"}, company()],
    "E1102": [{**GOOD, "id_no": "110105491231002"}],
    "E1103": [{**GOOD, "id_no": "11010519491231002X"}],
    "E1104": [company(), passport(), passport(id_country="")],
    "E1105": [
        company(),
        passport(),
        {**GOOD, "borrower_kind": "sole_trader"},
        {**company(), "borrower_kind": "sole_trader"},
    ],
    "E1201": [
        {**GOOD, "principal": "0.01", "annual_rate": "36", "terms": "0", "next_due_amount": "0"},
        {**GOOD, "annual_rate": "0.0000", "balance": "0.00", "principal": "9999999999999999.99"},
    ],
    "E1202": [
        {**GOOD, "principal": "20,000.00", "annual_rate": "10.9%", "terms": "36.0"},
        {**GOOD, "terms": ""},
    ],
    "E1203": [{**GOOD, "due_on": "2029/1/15"}, {**GOOD, "due_on": "20290115"}, {**GOOD, "closed_on": "NULL"}],
    "E1301": [{**GOOD, "status": "正常", "hardship": "无", "special_event": ""}, {**GOOD, "action": ""}],
    "E1302": [{**GOOD, "region": "", "id_country": ""}, passport(id_country="CHN")],
    "E1401": [
        {**GOOD, "loan_no": "J" * 64, "name": "张" * 128, "purpose": "装" * 32, "contract_no": "\tHT1 "}
    ],
    "E2101": [{**GOOD, "balance": "20000.00"}, {**GOOD, "balance": "x"}],
    "E2102": [{**GOOD, "terms_left": "36"}, {**GOOD, "terms": ""}],
    "E2201": [{**GOOD, "disbursed_on": AS_OF.isoformat()}],
    "E2202": [{**GOOD, "due_on": "2026-01-15"}],
    "E2301": [
        CLOSED,
        {**CLOSED, "closed_on": "2026-02-30"},
        {**CLOSED, "status": "revoked", "balance": "5.00"},
        {**LATE, "status": "written_off"},
        {**LATE, "status": "written_off", "closed_on": "2026-05-30"},
        {**LATE, "status": "transferred", "closed_on": "2026-05-30"},
        {**GOOD, "status": "whatever", "closed_on": "2026-05-30"},
    ],
    "E2401": [
        *(
            {**LATE, "status": s}
            for s in ("overdue", "extended", "restructured", "written_off", "transferred")
        ),
        {**GOOD, "status": "extended"},
        {**LATE, "overdue_since": "2026-02-30"},
        {**LATE, "dpd": "x"},
        {**LATE, "status": "whatever"},
    ],
    "E2402": [LATE, {**LATE, "max_dpd": ""}, {**GOOD, "max_dpd": "400"}],
    "E2501": [LATE, {**LATE, "adverse_notice_on": "2026-02-30"}, {**GOOD, "dpd": "x"}],
    "E2601": [{**GOOD, "consent_until": AS_OF.isoformat()}, {**GOOD, "consent_until": "2026-02-30"}],
    "E2701": [GOOD, {**GOOD, "action": ""}],
    "W3101": [
        *(overdue(GOOD, days) for days in (1, 90, 91, 270, 271, 360, 361)),
        {**overdue(GOOD, 90), "class5": "special_mention"},
        {**overdue(GOOD, 30), "class5": "normal"},
        {**overdue(GOOD, 91), "class5": "loss"},
    ],
    "W3201": [{**GOOD, "mobile": "+86 138-0000-0001"}, {**GOOD, "mobile": "NULL"}],
    "W3301": [{**GOOD, "id_no": "11010519491231002X"}],
    "W3401": [{**GOOD, "annual_rate": "24.0000"}, {**GOOD, "annual_rate": ""}],
}


def fired(frame: pl.DataFrame) -> list[dict[str, set[str]]]:
    """Per row: code to the fields where it fails."""
    found: list[dict[str, set[str]]] = [{} for _ in range(frame.height)]
    for code, fields in RULES.items():
        for field, fails in fields.items():
            for row in frame.select(fails.alias("x")).to_series().arg_true():
                found[row].setdefault(code, set()).add(field)
    return found


def test_the_rules_are_those_of_the_contract_in_its_order() -> None:
    expected = [c.code for c in CONTRACT.checks if c.active and c.phase in ("cell", "row")]
    assert list(RULES) == expected
    assert set(MUST_FAIL) == set(MUST_PASS) == set(expected)


def test_a_rule_has_the_name_of_its_code_and_says_what_it_is() -> None:
    for code, rule in ROW_RULES.items():
        assert rule.__name__.startswith(f"{code.lower()}_")
        assert rule.__doc__


def test_findings_stand_at_fields_that_the_contract_names() -> None:
    for code, fields in RULES.items():
        assert set(fields) <= set(CONTRACT.check(code).fields), code
        assert fields


@pytest.mark.parametrize("code", MUST_FAIL)
def test_rows_that_must_fail(code: str) -> None:
    rows, fields = zip(*MUST_FAIL[code], strict=True)
    assert [row.get(code, set()) for row in fired(parsed_frame(rows))] == [{field} for field in fields]


@pytest.mark.parametrize("code", MUST_PASS)
def test_rows_that_must_pass(code: str) -> None:
    mode = INCREMENTAL if code == "E1001" else FULL
    assert [row.get(code) for row in fired(parsed_frame(MUST_PASS[code], mode=mode))] == [None] * len(
        MUST_PASS[code]
    )


@pytest.mark.parametrize(
    "row",
    [
        *(GOOD, LATE, CLOSED, company(), passport()),
        *(overdue(good_row(), days) for days in (1, 90, 91, 270, 271, 360, 361)),
        {field.name: field.example for field in CONTRACT.fields},
        {**GOOD, "mobile": "", "contract_no": "", "region": "", "annual_rate": "", "action": ""},
    ],
)
def test_a_good_row_has_no_finding(row: Row) -> None:
    assert fired(parsed_frame([row])) == [{}]


def test_a_delete_row_is_judged_by_what_it_needs_only() -> None:
    junk = {f.name: "2026-02-30 x" for f in CONTRACT.fields if f.name not in delete()}
    assert fired(parsed_frame([delete(), delete(**junk)], mode=INCREMENTAL)) == [{}, {}]
    assert fired(parsed_frame([delete(**junk)], mode=FULL)) == [{"E2701": {"action"}}]


def test_an_unknown_action_deletes_nothing_and_the_row_is_judged_as_a_whole() -> None:
    (found,) = fired(parsed_frame([{**delete(), "action": "remove"}], mode=INCREMENTAL))
    assert found["E1301"] == {"action"}
    assert "name" in found["E1001"]


def test_a_row_with_a_cell_fault_still_runs_what_can_be_run() -> None:
    row = {**LATE, "principal": "x", "due_on": "2026-01-01", "balance": "99999.00", "max_dpd": "1"}
    assert fired(parsed_frame([row])) == [{"E1202": {"principal"}, "E2202": {"due_on"}, "E2402": {"max_dpd"}}]


def test_every_identifier_code_that_applies_is_reported() -> None:
    (found,) = fired(parsed_frame([{**GOOD, "id_no": "990105194902300020"}]))
    assert {"E1101", "E1103"} <= set(found)


def test_a_row_with_more_cells_than_the_header_is_rejected() -> None:
    raw = raw_frame([GOOD, GOOD]).with_columns(_surplus=pl.Series([False, True]))
    assert fired(parse(raw, CONTRACT)) == [{}, {"E1401": {"loan_no"}}]


def test_the_class_floor_holds_from_its_day_on() -> None:
    row = {**overdue(GOOD, 100), "class5": "normal"}
    for as_of, expected in ((date(2023, 6, 30), set()), (date(2023, 7, 1), {"W3101"})):
        (found,) = fired(parsed_frame([row], as_of=as_of))
        assert found.keys() & {"W3101"} == expected


def test_rules_need_nothing_but_the_row() -> None:
    rows = [row for examples in MUST_FAIL.values() for row, _ in examples]
    together = fired(parsed_frame(rows))
    backwards = fired(parsed_frame(rows[::-1]))[::-1]
    assert together == backwards


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from([f.name for f in CONTRACT.fields]), st.text(max_size=12)), max_size=4
    )
)
def test_any_cells_can_be_judged(changes: list[dict[str, str]]) -> None:
    frame = parsed_frame([{**GOOD, **change} for change in changes])
    flags = frame.select(e.alias(f"{c}.{f}") for c, fields in RULES.items() for f, e in fields.items())
    assert set(flags.dtypes) == {pl.Boolean}
    assert flags.height == len(changes)
