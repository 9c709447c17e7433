"""Texts and identifiers: what cleaning takes away, what it must leave, and what it reports."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from huxin.contract import load_contract
from huxin_checks.cells import CONTROL, control_bit, parse
from support.frames import parsed_frame, raw_frame
from support.rows import good_row, mobile, name, resident_id, uscc

CONTRACT = load_contract()


def text_of(field: str, cell: str) -> str | None:
    (found,) = parsed_frame([{field: cell}])[f"t_{field}"].to_list()
    return found


def has_control(field: str, cell: str) -> bool:
    (bits,) = parsed_frame([{field: cell}])[CONTROL].to_list()
    return bits == control_bit(CONTRACT, field)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("  JJ1\u3000", "JJ1"),
        ("'JJ1", "JJ1"),
        ("' JJ1", "JJ1"),
        ("''JJ1", "'JJ1"),
        ("ＪＪ１（甲）", "JJ1(甲)"),
        ("\ufeffJJ1\u200b", "JJ1"),
        ("JJ1\t", "JJ1"),
        ("JJ1\u00a0", "JJ1"),
        ("home improvement", "home improvement"),
        ("JJ²", "JJ²"),
        ("㈱", "㈱"),
        ("张·三", "张·三"),
    ],
)
def test_a_text_is_cleaned(cell: str, text: str) -> None:
    assert text_of("loan_no", cell) == text


@pytest.mark.parametrize(
    "cell", ["JJ\n1", "JJ\t1", "JJ\x001", "JJ\x7f", "JJ\u200b1", "JJ\u202e1", "JJ\x851", "JJ\u20281"]
)
def test_control_and_invisible_characters_are_kept_and_reported(cell: str) -> None:
    assert text_of("loan_no", cell) == cell
    assert has_control("loan_no", cell)
    assert has_control("name", cell)
    assert not has_control("loan_no", "JJ1")


def test_control_characters_are_told_by_field() -> None:
    (bits,) = parsed_frame([{"loan_no": "a\nb", "consent_no": "c\nd", "name": "张三"}])[CONTROL].to_list()
    assert bits == control_bit(CONTRACT, "loan_no") | control_bit(CONTRACT, "consent_no")
    with pytest.raises(ValueError):
        control_bit(CONTRACT, "principal")


def test_a_clean_column_is_not_copied_and_a_single_odd_cell_is_found_in_it() -> None:
    rows = [{"loan_no": f"JJ{i}", "name": name(i)} for i in range(500)]
    rows[250] = {"loan_no": " JJ250", "name": "　王五　"}
    frame = parsed_frame(rows)
    assert frame["t_loan_no"].to_list() == [f"JJ{i}" for i in range(500)]
    assert frame["t_name"][250] == "王五"
    assert frame["t_name"][249] == name(249)


def test_han_beyond_the_common_block_is_left_alone() -> None:
    assert text_of("name", "𠮷野㐂") == "𠮷野㐂"


@pytest.mark.parametrize(
    "cell",
    ["{}", " {}", "'{}", "{}\u3000", "{0:.6} {0:.0}{1}", "\t{}"],
    ids=["plain", "blank", "quote", "wide", "inner", "tab"],
)
def test_an_identifier_is_canonical_whatever_the_habit(cell: str) -> None:
    number = resident_id(7)
    typed = f"{number[:6]} {number[6:]}" if "{1}" in cell else cell.format(number)
    (row,) = parsed_frame([good_row(id_no=typed)]).to_dicts()
    assert (row["id_canonical"], row["id_faults"], row["id_upgraded"]) == (number, 0, False)


def test_a_full_width_identifier_and_mobile() -> None:
    wide = resident_id(7).translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789X"})
    (row,) = parsed_frame([good_row(id_no=wide, mobile="+86 138-0000-0001")]).to_dicts()
    assert row["id_canonical"] == resident_id(7)
    assert row["mobile_canonical"] == mobile(1)


def test_canonical_columns_of_every_kind_of_party() -> None:
    frame = parsed_frame(
        [
            good_row(),
            good_row(id_type="uscc", id_no=uscc(1), borrower_kind="company"),
            good_row(id_type="passport", id_no="E1234567", id_country="JPN"),
            good_row(id_type="passport", id_no="E1234567", id_country=""),
            good_row(id_type="whatever"),
            good_row(id_no="", mobile="12345", name=""),
        ]
    )
    assert frame["id_canonical"].to_list() == [resident_id(1), uscc(1), "JPNE1234567", None, None, None]
    assert frame["id_faults"].to_list() == [0] * 6
    assert frame["mobile_canonical"].to_list() == [mobile(1)] * 5 + [None]
    assert frame["name_canonical"].null_count() == 1


def test_a_passport_without_country_has_its_number_judged_all_the_same() -> None:
    frame = parsed_frame([good_row(id_type="passport", id_no="?", id_country=None)])
    assert frame["id_faults"].to_list() == [8]
    assert frame["id_canonical"].to_list() == [None]


def test_a_birth_is_judged_by_the_day_of_its_own_submission() -> None:
    row = good_row(id_no=resident_id(13_999))  # born 1998-04-30
    later, earlier = raw_frame([row, row], date(2026, 5, 31)), raw_frame([row], date(1990, 1, 1), sub=1)
    mixed = parse(pl.concat([later, earlier, later]), CONTRACT)
    assert mixed["id_faults"].to_list() == [0, 0, 4, 0, 0]
    assert mixed["id_canonical"].is_null().to_list() == [False, False, True, False, False]


def test_columns_of_the_frame() -> None:
    frame = parsed_frame([good_row()], mode=2, sub=9)
    expected = ["_sub", "_record", "_line", "_surplus", "_as_of", "_mode"]
    for field in CONTRACT.fields:
        expected += [field.name, f"t_{field.name}"]
    derived = ["id_canonical", "id_faults", "id_upgraded", "mobile_canonical", "name_canonical"]
    assert frame.columns == [*expected, CONTROL, *derived]
    assert frame.select("_sub", "_record", "_line", "_as_of", "_mode").row(0) == (
        9,
        1,
        2,
        date(2026, 5, 31),
        2,
    )
    assert frame.schema["id_faults"] == pl.UInt8
