"""What a finding shows of a cell: its shape, and never an identifier, whatever column it strayed into."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huxin.contract import load_contract
from huxin_checks.rules import mask
from huxin_checks.rules.masking import LIMIT
from support.rows import mobile, name, resident_id, uscc

CONTRACT = load_contract()
FIELDS = st.sampled_from([field.name for field in CONTRACT.fields])
PEOPLE = st.integers(0, 9_999_999)
AROUND = st.text("0123456789 -+,.'X/年月日张", max_size=6)


def wide(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


IDENTIFIERS = st.one_of(
    PEOPLE.map(resident_id),
    PEOPLE.map(uscc),
    PEOPLE.map(mobile),
    PEOPLE.map(lambda n: resident_id(n)[:6] + resident_id(n)[8:17]),
    PEOPLE.map(lambda n: f"E{n:08d}"),
    PEOPLE.map(lambda n: f"{n:08d}"),
)
SPELLINGS = st.sampled_from([str, str.lower, wide, lambda text: text + ".00", lambda text: "'" + text])


def folded(text: str) -> str:
    """The text as an attacker would read it: without what separates, and in one case."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).upper() if char.isalnum())


@settings(max_examples=500)
@given(FIELDS, IDENTIFIERS, SPELLINGS, AROUND, AROUND)
def test_no_six_characters_of_an_identifier_survive(
    field: str, number: str, spell: object, before: str, after: str
) -> None:
    assert callable(spell)
    shown = folded(mask(field, before + spell(number) + after))
    plain = folded(number)
    pieces = {plain[i : i + 6] for i in range(len(plain) - 5)} - {"999999"}
    assert not [piece for piece in pieces if piece in shown]


@settings(max_examples=200)
@given(FIELDS, PEOPLE.map(name), AROUND, AROUND)
def test_no_name_survives(field: str, person: str, before: str, after: str) -> None:
    assert person not in mask(field, before + person + after)


@pytest.mark.parametrize("field", ["id_no", "name", "mobile", "loan_no", "purpose", "consent_no", "region"])
@pytest.mark.parametrize("text", ["张三", "Zhang San", "13800000001", "12345", "110105", "a"])
def test_texts_and_identifiers_show_their_shape_only(field: str, text: str) -> None:
    assert set(mask(field, text)) <= set("文A9 ")
    assert len(mask(field, text)) == len(text)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        *(("principal", text) for text in ("-180.00", "0.00", "18000.00", "1,234,567.00", "-5", "100.001")),
        *(("annual_rate", text) for text in ("36.5", "99.99%", "120 %")),
        *(("terms", text) for text in ("-1", "99999")),
        *(("due_on", text) for text in ("2026-02-30", "2026/2/30", "2026年2月30日", "1926-01-01 00:00:00")),
        *(("status", text) for text in ("settled", "结清", " 结清")),
        *(("currency", text) for text in ("USD", "cny")),
        ("id_country", "JP"),
    ],
)
def test_what_helps_and_hurts_nobody_is_shown(field: str, text: str) -> None:
    assert mask(field, text) == text


@pytest.mark.parametrize(
    ("field", "text", "shown"),
    [
        ("annual_rate", "12.5‰abc", "99.9‰AAA"),
        ("id_no", "1.20103199001E+17", "9.99999999999A+99"),
        ("id_no", "11010519491231002X", "99999999999999999A"),
        ("id_no", "１１０１０５", "999999"),
        ("status", "whatever", "AAAAAAAA"),
        ("principal", "123456.00", "999999.99"),
        ("due_on", "20260230", "99999999"),
        ("loan_no", "JJ\n1", "AA#9"),
        ("name", "", ""),
        ("name", "·", "·"),
        ("terms", "٣²", "99"),
        ("name", "𠮷野ＡＢあ", "文文AA文"),
    ],
)
def test_all_else_is_its_shape(field: str, text: str, shown: str) -> None:
    assert mask(field, text) == shown


def test_empty_cells_and_long_ones() -> None:
    assert mask("name", None) == ""
    assert mask("purpose", "装" * LIMIT) == "文" * LIMIT
    assert mask("purpose", "装" * (LIMIT + 1)) == "文" * LIMIT + "…"
    assert len(mask("principal", "1" * 10_000)) == LIMIT + 1


@settings(max_examples=300)
@given(FIELDS, st.text(min_size=1, max_size=40))
def test_nothing_that_a_spreadsheet_or_a_terminal_would_run(field: str, text: str) -> None:
    shown = mask(field, text)
    assert shown[0] not in "=@\t\r"
    assert not any(unicodedata.category(char).startswith("C") for char in shown)
    if shown[0] in "+-":
        assert set(shown[1:]) <= set("0123456789,.% ")
