"""What the engine says about rows equals what plain Python says about them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from gx_tools import marked_frame, suite_of
from hypothesis import given, settings
from hypothesis import strategies as st

from huxin.nightly.gx.run import Rules, run_suite
from huxin_checks.hits import RuleHits

SCHEMA = {"a": pl.Int64, "b": pl.Int64, "t": pl.String}
NUMBERS = st.none() | st.integers(-3, 3)
ROWS = st.lists(st.tuples(NUMBERS, NUMBERS, st.none() | st.text("xy", max_size=4)), max_size=40)


def doubled(frame: pl.DataFrame) -> pl.Series:
    """A set rule as a callable: the value has stood in a row before."""
    return frame["a"].is_first_distinct().not_()


def rules() -> Rules:
    return {
        "E2101": {"a": pl.col("a") > pl.col("b"), "t": pl.col("t").str.len_chars() > 2},
        "E1001": {"a": pl.col("a").is_null(), "b": pl.col("b").is_null(), "t": pl.col("t").is_null()},
        "E2001": {"a": doubled},
        "W3401": {"b": pl.lit(False)},
        "W3101": {"b": (pl.col("b") > 0) & (pl.col("t") == "x"), "a": doubled},
    }


def in_python(rows: list[tuple[int | None, int | None, str | None]]) -> dict[str, list[tuple[int, str]]]:
    """The same rules, written without polars: (position, field) in order of row, then field."""
    found: dict[str, list[tuple[int, str]]] = {code: [] for code in rules()}
    seen: set[int | None] = set()
    for i, (a, b, t) in enumerate(rows):
        again = a in seen
        seen.add(a)
        verdicts = [
            ("E2101", "a", a is not None and b is not None and a > b),
            ("E2101", "t", t is not None and len(t) > 2),
            ("E1001", "a", a is None),
            ("E1001", "b", b is None),
            ("E1001", "t", t is None),
            ("E2001", "a", again),
            ("W3101", "b", b is not None and b > 0 and t == "x"),
            ("W3101", "a", again),
        ]
        for code, field, fails in verdicts:
            if fails:
                found[code].append((i, field))
    return found


def told(hits: RuleHits) -> list[tuple[int, str]]:
    return [(int(row), hits.fields[i]) for row, i in zip(hits.rows, hits.field_index, strict=True)]


@settings(max_examples=150, deadline=None)
@given(ROWS)
def test_rows_equal_an_independent_computation(rows: list[tuple[int | None, int | None, str | None]]) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    hits = run_suite(frame, suite_of(rules()), rules())
    assert {h.code: told(h) for h in hits} == in_python(rows)
    assert [h.code for h in hits] == list(rules())
    assert all(h.rows.dtype == np.int64 and h.field_index.dtype == np.uint8 for h in hits)


@pytest.mark.parametrize("code", list(rules()))
def test_no_rows_no_hits(code: str) -> None:
    mine = {code: rules()[code]}
    (hits,) = run_suite(pl.DataFrame(schema=SCHEMA), suite_of(mine), mine)
    assert (len(hits.rows), len(hits.field_index)) == (0, 0)
    assert hits.fields == tuple(mine[code])


def test_every_row_fails_in_every_field() -> None:
    mine: Rules = {"E1": {"n": pl.col("n") >= 0, "text": pl.lit(True)}}
    (hits,) = run_suite(marked_frame(3), suite_of(mine), mine)
    assert told(hits) == [(0, "n"), (0, "text"), (1, "n"), (1, "text"), (2, "n"), (2, "text")]


def test_null_does_not_fail() -> None:
    frame = pl.DataFrame({"a": [None, 1, None]}, schema={"a": pl.Int64})
    mine: Rules = {
        "E1": {"a": pl.col("a") > 0},
        "E2": {"a": lambda given: given["a"] > 0},
        "E3": {"a": pl.col("a") > pl.lit(None, pl.Int64)},
    }
    hits = run_suite(frame, suite_of(mine), mine)
    assert [h.rows.tolist() for h in hits] == [[1], [1], []]


def test_positions_are_those_of_a_sliced_frame() -> None:
    mine: Rules = {"E1": {"n": pl.col("n") % 7 == 0}}
    (hits,) = run_suite(marked_frame(50).slice(10, 12), suite_of(mine), mine)
    assert hits.rows.tolist() == [4, 11]


def test_a_column_of_any_name_is_safe_from_the_rules_names() -> None:
    frame = pl.DataFrame({"\0": [1], "E1": [1], "literal": [1], "n": [1]})
    mine: Rules = {"E1": {"n": pl.col("n") == 1}, "literal": {"n": pl.col("E1") == 2}}
    assert [h.rows.tolist() for h in run_suite(frame, suite_of(mine), mine)] == [[0], []]


def test_the_frame_stays_as_it_was() -> None:
    frame = marked_frame()
    before = frame.clone()
    mine: Rules = {"E1": {"n": pl.col("n") > 1}}
    run_suite(frame, suite_of(mine), mine)
    assert frame.equals(before)
    assert frame.columns == before.columns


def test_the_same_suite_serves_again_with_other_rules() -> None:
    suite = suite_of(["E1"])
    for limit, rows in ((1, [2, 3, 4]), (3, [4])):
        (hits,) = run_suite(marked_frame(), suite, {"E1": {"n": pl.col("n") > limit}})
        assert hits.rows.tolist() == rows


def test_one_row_a_submission_serves_as_well() -> None:
    facts = pl.DataFrame({"stated": [10, 20], "found": [10, 19], "rejected": [1, 8]})
    mine: Rules = {
        "F0002": {"record_count": pl.col("stated") != pl.col("found")},
        "F0008": {"rejected": pl.col("rejected") * 10 > pl.col("found")},
    }
    hits = run_suite(facts, suite_of(mine), mine)
    assert [told(h) for h in hits] == [[(1, "record_count")], [(1, "rejected")]]
