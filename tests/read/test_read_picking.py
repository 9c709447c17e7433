"""Records picked by their line are those that parsing the whole file gives."""

from __future__ import annotations

import csv
import io

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huxin.contract import load_contract
from huxin_checks.read import open_rows, rows_at
from support.rows import loan

CONTRACT = load_contract()
CELL = st.text(alphabet='ab"\n,;\r 张é', max_size=6)


def _written(cells: list[list[str]], **dialect: object) -> bytes:
    names = list(loan("M0001", 1))
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n", **dialect)  # type: ignore[arg-type]  # csv's own names
    writer.writerow(names)
    for row in cells:
        full = dict.fromkeys(names, "") | {"loan_no": "L", "purpose": row[0], "name": row[1]}
        writer.writerow(list(full.values()))
    return target.getvalue().encode()


def _all(content: bytes) -> pl.DataFrame:
    with open_rows(io.BytesIO(content), "x.csv", CONTRACT) as rows:
        return pl.concat(list(rows))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=12), st.data())
def test_picked_rows_equal_parsed_ones(cells: list[list[str]], data: st.DataObject) -> None:
    content = _written(cells)
    whole = _all(content)
    records = np.array(
        sorted(data.draw(st.sets(st.sampled_from(whole["_record"].to_list()), min_size=1))), np.uint32
    )
    wanted = whole.filter(pl.col("_record").is_in(records.tolist()))
    picked = rows_at(io.BytesIO(content), "x.csv", CONTRACT, records, wanted["_line"].to_numpy())
    assert picked.equals(wanted.select(picked.columns))


@pytest.mark.parametrize("tail", ["", "\n", "\r\n\r\n"])
def test_rows_far_apart_and_the_last_one(tail: str) -> None:
    """Several blocks of text, blank lines, a quoted line break across a block's end, no last line break."""
    cells = [[f"p{n}", f'"名\n{n}' if n % 5_000 == 7 else f"n{n}"] for n in range(60_000)]
    content = _written(cells).rstrip(b"\n") + tail.encode()
    whole = _all(content)
    records = np.array([1, 8, 5_008, 30_000, 55_008, 60_000], np.uint32)
    wanted = whole.filter(pl.col("_record").is_in(records.tolist()))
    picked = rows_at(io.BytesIO(content), "x.csv", CONTRACT, records, wanted["_line"].to_numpy())
    assert wanted.height == records.size
    assert picked.equals(wanted.select(picked.columns))
