"""Whole columns: the same answer as one at a time, whatever stands in them and however Arrow holds them."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from privacy_rows import any_numbers, resident_numbers, uscc_numbers, wide

from huxin_privacy import identifiers
from huxin_privacy.blocks import STEP
from huxin_privacy.identifiers import FAULTS, TYPES, canonical_ids, canonical_mobiles, canonical_names

NAMES = {code: name for name, code in TYPES.items()}
Row = tuple[int, str | None, str | None]

rows = st.lists(
    st.tuples(st.integers(0, 4), any_numbers(), st.sampled_from(["CHN", "usa", " ＵSA", "U5A", "", None])),
    max_size=40,
)


def one_by_one(row: Row, not_after: date | None = None) -> tuple[str | None, int, bool]:
    code, number, country = row
    if number is None or code not in NAMES:
        return None, 0, False
    found = identifiers.canonical_id(NAMES[code], number, country, not_after=not_after)
    return found.text, sum(FAULTS[fault] for fault in found.faults), found.upgraded


def by_column(sent: list[Row], not_after: date | None = None, kind: Any = None) -> list[Any]:
    codes, numbers, countries = zip(*sent, strict=True) if sent else ((), (), ())
    found = canonical_ids(
        np.array(codes, np.uint8),
        pa.array(numbers, kind or pa.string()),
        pa.array(countries, kind or pa.string()),
        not_after=not_after,
    )
    return list(zip(found.text.to_pylist(), found.faults.tolist(), found.upgraded.tolist(), strict=True))


@settings(max_examples=400, deadline=None)
@given(rows)
def test_columns_say_what_single_identifiers_say(sent: list[Row]) -> None:
    assert by_column(sent) == [one_by_one(row) for row in sent]


@settings(max_examples=200, deadline=None)
@given(st.lists(resident_numbers(), min_size=1), st.dates(date(1900, 1, 1), date(2100, 1, 1)))
def test_births_after_a_day(numbers: list[str], day: date) -> None:
    sent: list[Row] = [(1, number, None) for number in numbers]
    assert by_column(sent, day) == [one_by_one(row, day) for row in sent]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text("0123456789Xx", min_size=18, max_size=18), min_size=1), st.sampled_from([1, 3]))
def test_eighteen_characters_of_any_kind(numbers: list[str], code: int) -> None:
    sent: list[Row] = [(code, number, None) for number in numbers]
    assert by_column(sent) == [one_by_one(row) for row in sent]


@settings(max_examples=100, deadline=None)
@given(st.lists(uscc_numbers().map(str.lower), min_size=1))
def test_lower_case_codes(numbers: list[str]) -> None:
    assert [text for text, _, _ in by_column([(3, n, None) for n in numbers])] == [n.upper() for n in numbers]


def test_more_rows_than_one_step() -> None:
    good, bad = "11010519491231002X", "110105194912310021"
    sent: list[Row] = [(1, bad if place % 1000 == 0 else good, None) for place in range(STEP + 5)]
    assert by_column(sent) == [one_by_one(row) for row in sent]


MIXED: list[Row] = [
    (1, "11010519491231002X", None),
    (1, None, None),
    (3, "91350100m000100y43", None),
    (1, wide("11010519491231002X"), None),
    (2, "E1234567", "USA"),
    (1, "110105491231002", None),
    (0, "110105491231002", None),
]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_every_arrow_text_type(kind: Any) -> None:
    assert by_column(MIXED, kind=kind) == [one_by_one(row) for row in MIXED]


@pytest.mark.parametrize(
    "hold",
    [
        lambda column: pa.chunked_array([column.slice(0, 2), column.slice(2)]),
        lambda column: column.dictionary_encode(),
        lambda column: pa.concat_arrays([pa.array(["junk"]), column]).slice(1),
    ],
)
def test_chunks_dictionaries_and_slices(hold: Any) -> None:
    codes, numbers, countries = zip(*MIXED, strict=True)
    found = canonical_ids(
        np.array(codes, np.uint8), hold(pa.array(numbers)), hold(pa.array(countries, pa.string()))
    )
    assert found.text.to_pylist() == [one_by_one(row)[0] for row in MIXED]


@pytest.mark.parametrize("count", [0, 3])
def test_empty_and_null_columns(count: int) -> None:
    nulls = pa.nulls(count, pa.string())
    found = canonical_ids(np.ones(count, np.uint8), nulls, nulls)
    assert found.text.null_count == len(found.text) == len(found.faults) == count
    assert canonical_mobiles(nulls).to_pylist() == canonical_names(nulls).to_pylist() == [None] * count


def test_the_repr_of_a_column_hides_its_texts() -> None:
    found = canonical_ids(np.ones(1, np.uint8), pa.array(["11010519491231002X"]), pa.nulls(1, pa.string()))
    assert "1949" not in repr(found)


mobiles = st.one_of(
    st.none(),
    st.text(max_size=14),
    st.from_regex(r"(\+86|0086|86)?[ ']?1[0-9]{2}[ -]?[0-9]{4}[ -]?[0-9]{4}", fullmatch=True),
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True).flatmap(lambda t: st.sampled_from([t, wide(t)])),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(mobiles))
def test_mobiles_by_the_column(sent: list[str | None]) -> None:
    wanted = [None if text is None else identifiers.canonical_mobile(text) for text in sent]
    assert canonical_mobiles(pa.array(sent, pa.string())).to_pylist() == wanted


names = st.one_of(
    st.none(),
    st.text(st.characters(min_codepoint=0x3F00, max_codepoint=0xA100), max_size=5),
    st.text("张三•. aÄＡ\u3000", max_size=8),
    st.text(max_size=8),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(names))
def test_names_by_the_column(sent: list[str | None]) -> None:
    wanted = [None if text is None else identifiers.canonical_name(text) for text in sent]
    assert canonical_names(pa.array(sent, pa.string())).to_pylist() == wanted


def test_every_character_that_is_waved_through_is_its_own_canonical_name() -> None:
    sent = [chr(code) for code in range(0x4000, 0xA000)]
    assert [identifiers.canonical_name(text) for text in sent] == sent
