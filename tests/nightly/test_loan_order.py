"""Rows by member and loan number: the order of bytes, whether the numbers fit into 64 bits or not."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from huxin.nightly import loan_order
from huxin.nightly.loan_order import by_loan

NUMBERS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
KEYS = st.lists(st.tuples(st.integers(1, 2**31 - 1), NUMBERS), max_size=20, unique=True)


def table_of(keys: list[tuple[int, str]], kind: pa.DataType | None = None) -> pa.Table:
    members, numbers = [member for member, _ in keys], [number for _, number in keys]
    return pa.table(
        {"member_id": pa.array(members, pa.int32()), "loan_no": pa.array(numbers, kind or pa.string())}
    )


def expected(keys: list[tuple[int, str]]) -> list[int]:
    return sorted(range(len(keys)), key=lambda place: (keys[place][0], keys[place][1].encode()))


@hypothesis_settings(deadline=None)
@given(keys=KEYS, wide=st.booleans())
def test_the_order_is_that_of_the_bytes(keys: list[tuple[int, str]], wide: bool) -> None:
    table = table_of(keys, pa.large_string() if wide else pa.string())
    assert by_loan(table).tolist() == expected(keys)


@pytest.mark.parametrize("form", ["M0001-L{:09d}", "L{}", "{:x}互信"])
def test_numbers_of_one_house_are_packed(form: str) -> None:
    keys = [(member, form.format(number)) for member in (1, 7, 300) for number in range(999)]
    random.Random(1).shuffle(keys)
    assert loan_order._packed(table_of(keys)) is not None
    assert by_loan(table_of(keys)).tolist() == expected(keys)


def test_numbers_that_differ_everywhere_are_sorted_as_texts() -> None:
    chance = random.Random(2)
    keys = [(1, f"{chance.getrandbits(256):064x}") for _ in range(500)]
    assert loan_order._packed(table_of(keys)) is None
    assert by_loan(table_of(keys)).tolist() == expected(keys)


def test_pieces_and_slices_are_read_where_they_are() -> None:
    keys = [(2, f"L{number}") for number in range(100, 0, -1)]
    table = pa.concat_tables([table_of(keys[:60]).slice(10), table_of(keys[60:]).slice(0, 20)])
    rest = keys[10:80]
    found = by_loan(table)
    assert found.dtype == np.int64
    assert found.tolist() == expected(rest)
