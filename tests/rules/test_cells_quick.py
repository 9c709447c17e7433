"""The quick way reads nothing that the grammar would read otherwise, and a column's neighbours change no cell."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from huxin.contract import load_contract
from huxin_checks.cells import parse
from huxin_checks.cells.grammar import TYPES, meaning
from huxin_checks.cells.quick import quick
from huxin_checks.cells.text import cleaned
from support.frames import parsed_frame, raw_frame
from support.rows import good_row

CONTRACT = load_contract()
TYPED = [field for field in CONTRACT.fields if field.kind in TYPES]
KINDS = [*{field.kind: field for field in TYPED}.values(), CONTRACT.field("hardship")]
LABELS = sorted({text for field in CONTRACT.fields for text in field.label_texts()})

CELLS = st.one_of(
    st.text("0123456789.,-+eE%/ '\u3000１年月日", max_size=14),
    st.decimals(-(10**17), 10**17, places=2).map(str),
    st.integers(-(10**12), 10**12).map(str),
    st.dates().map(str),
    st.sampled_from(LABELS),
    st.text(max_size=8),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=30))
def test_quick_is_the_grammar_or_not_sure(cells: list[str]) -> None:
    frame = pl.DataFrame({"c": cells}, schema={"c": pl.String}).with_columns(word=cleaned(pl.col("c")))
    cell, word = pl.col("c"), pl.col("word")
    read = frame.select(
        *[quick(field, cell).alias(f"quick_{field.name}") for field in KINDS],
        *[meaning(field, word).alias(f"slow_{field.name}") for field in KINDS],
    )
    for field in KINDS:
        sure = read.filter(pl.col(f"quick_{field.name}").is_not_null())
        assert sure[f"quick_{field.name}"].to_list() == sure[f"slow_{field.name}"].to_list(), field.name


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(CONTRACT.fields), CELLS), min_size=1, max_size=6))
def test_a_row_is_read_alike_alone_and_among_others(changes: list[tuple[object, str]]) -> None:
    rows = [{**good_row(), getattr(field, "name"): cell} for field, cell in changes]  # noqa: B009
    together = parsed_frame(rows)
    alone = pl.concat([parsed_frame([row]) for row in rows])
    derived = pl.exclude("_record", "_line")
    assert together.select(derived).equals(alone.select(derived))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.fixed_dictionaries({}, optional={f.name: CELLS for f in CONTRACT.fields}), max_size=5))
def test_no_cell_makes_reading_fail_and_no_row_is_lost(rows: list[dict[str, str]]) -> None:
    raw = raw_frame(rows)
    before = raw.clone()
    parsed = parse(raw, CONTRACT)
    assert parsed.height == len(rows)
    assert parsed["_record"].to_list() == raw["_record"].to_list()
    assert raw.equals(before)  # scattering into a shared column would change what the member sent
    for field in TYPED:
        assert parsed.filter(
            pl.col(field.name).is_not_null() & pl.col(f"t_{field.name}").is_null()
        ).is_empty()
