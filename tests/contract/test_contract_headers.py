"""Headers and labels are recognised however a member's system or spreadsheet spells them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huxin.contract import EMPTY_WORDS, label_code, load_contract

FIELDS = load_contract().fields
ENUMS = [field for field in FIELDS if field.kind == "enum"]
BLANKS = st.text(alphabet=" \t\r\n\u3000\u00a0\ufeff", max_size=4)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_both_headers_of_a_field_name_it(field) -> None:  # type: ignore[no-untyped-def]
    for text in (field.name, field.zh, field.name.upper(), field.name.title()):
        assert load_contract().header(text) == field.name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("借据号*", "loan_no"),
        ("*借据号", "loan_no"),
        ("借据号 ＊", "loan_no"),
        ("\ufeff借据号", "loan_no"),
        ("\u3000借据号\u3000", "loan_no"),
        ("\ufeff \ufeff借据号 *\t", "loan_no"),
        ("ＬＯＡＮ＿ＮＯ", "loan_no"),
        ("Loan_No*", "loan_no"),
        ("ｃｌａｓｓ５", "class5"),
        ("五级分类\r\n", "class5"),
    ],
)
def test_header_habits(text: str, name: str) -> None:
    assert load_contract().header(text) == name


@pytest.mark.parametrize(
    "text", ["", " ", "*", "借据", "loan no", "loan_no2", "借据号*1", "民族", "宗教", "loan.no"]
)
def test_other_columns_are_unknown(text: str) -> None:
    assert load_contract().header(text) is None


def test_columns_of_our_findings_export_are_recognised_as_ours() -> None:
    contract = load_contract()
    assert dict(zip(contract.annotations, contract.annotations_zh, strict=True)) == {
        "finding_codes": "错误代码",
        "finding_texts": "错误说明",
        "finding_hints": "修改提示",
        "source_line": "原始行号",
        "record": "记录号",
    }
    for text in (*contract.annotations, *contract.annotations_zh, "Finding_Codes", " 错误代码\u3000"):
        assert contract.header(text) == ""


@given(field=st.sampled_from(FIELDS), before=BLANKS, after=BLANKS, chinese=st.booleans(), star=st.booleans())
def test_blanks_and_marks_round_a_header_do_not_matter(field, before, after, chinese, star) -> None:  # type: ignore[no-untyped-def]
    text = before + (field.zh if chinese else field.name) + ("*" if star else "") + after
    assert load_contract().header(text) == field.name


@given(text=st.text(max_size=12))
def test_a_header_is_recognised_only_by_its_own_spelling(text: str) -> None:
    found = load_contract().header(text)
    if found:
        field = load_contract().field(found)
        folded = unicodedata.normalize("NFKC", text).lower()
        assert field.name in folded or field.zh in folded


@given(field=st.sampled_from(ENUMS), data=st.data(), before=BLANKS, after=BLANKS)
def test_every_label_is_recognised_in_both_languages(field, data, before, after) -> None:  # type: ignore[no-untyped-def]
    label = data.draw(st.sampled_from(field.labels))
    spelling = data.draw(st.sampled_from([label.name, label.name.upper(), label.zh, *label.aliases]))
    assert label_code(field, before + spelling + after) == label.code
    assert field.label(label.code) == label


@pytest.mark.parametrize("field", ENUMS, ids=lambda field: field.name)
def test_the_mapping_for_columns_says_what_the_scalar_says(field) -> None:  # type: ignore[no-untyped-def]
    mapping = field.label_texts()
    assert set(mapping.values()) == {label.code for label in field.labels}
    for text, code in mapping.items():
        assert text == unicodedata.normalize("NFKC", text).strip().lower()
        assert label_code(field, text) == code


@pytest.mark.parametrize("field", ENUMS, ids=lambda field: field.name)
def test_words_for_nothing_mean_none_only_where_there_is_none(field) -> None:  # type: ignore[no-untyped-def]
    has_none = "none" in {label.name for label in field.labels}
    assert has_none == (field.name in {"special_event", "hardship"})
    for word in (*EMPTY_WORDS, "NULL", "Null", "－", " 无\u3000"):
        assert label_code(field, word) == (1 if has_none else None)
    for empty in ("", " ", "\u3000", "\ufeff"):
        assert label_code(field, empty) is None


@pytest.mark.parametrize("text", ["1", "whatever", "正 常", "正常1", "normal.", "居民", "0"])
def test_other_words_are_no_labels(text: str) -> None:
    assert all(label_code(field, text) is None for field in ENUMS)


def test_a_field_that_is_no_enum_has_no_labels() -> None:
    assert [field.name for field in FIELDS if field.kind != "enum" and field.label_texts()] == []
