"""Nothing passes because something is broken: every fault is an error that names the rule, never the data."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable

import polars as pl
import pytest
from great_expectations import ExpectationSuite
from great_expectations.expectations import ExpectColumnToExist
from great_expectations.validator.validator import Validator
from gx_tools import MARKER, marked_frame, suite_of

from huxin.errors import HuxinError
from huxin.nightly.gx.engine import PolarsExecutionEngine
from huxin.nightly.gx.expectations import ExpectRowsToPassRule
from huxin.nightly.gx.run import Rules, run_suite, validate_frame
from huxin_checks.hits import Test as RuleTest

GOOD: Rules = {
    "E1": {"n": pl.col("n") > 3},
    "E2": {"n": pl.col("n") > 9},
    "E3": {"text": pl.col("text").is_null()},
}


def _raises(frame: pl.DataFrame) -> pl.Series:
    raise ValueError(f"could not read {frame['text'][0]}")


def _panics(frame: pl.DataFrame) -> pl.Series:
    raise pl.exceptions.PanicException(f"panicked at {frame['text'][0]}")


def _quotes(text: str) -> bool:
    raise ValueError(f"bad cell {text}")


BROKEN: dict[str, RuleTest] = {
    "polars quotes the cell": pl.col("text").cast(pl.Int64, strict=True) > 0,
    "a function in an expression": pl.col("text").map_elements(_quotes, return_dtype=pl.Boolean),
    "no such column": pl.col("absent") > 0,
    "no column at all": pl.col("^absent.*$") > 0,
    "two columns": pl.all().is_null(),
    "not boolean": pl.col("n"),
    "a bare null": pl.lit(None),
    "too short": pl.col("n").filter(pl.col("n") > 2) > 9,
    "one row only": pl.col("n").filter(pl.col("n") == 2) > 9,
    "a callable that raises": _raises,
    "a callable that panics": _panics,
    "a callable too short": lambda frame: frame["n"].head(1) > 9,
    "a callable without boolean": lambda frame: frame["n"],
    "a callable that forgets to return": lambda frame: None,  # type: ignore[dict-item,return-value]
    "a callable that gives an expression": lambda frame: pl.lit(False),  # type: ignore[dict-item,return-value]
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("place", ["E1", "E2", "E3"])
def test_one_broken_rule_stops_all_and_is_named(broken: RuleTest, place: str) -> None:
    mine = {**GOOD, place: {"n": broken}}
    with pytest.raises(HuxinError) as caught:
        run_suite(marked_frame(), suite_of(mine), mine)
    assert caught.value.code == "H0403"
    assert f"{place} (n: " in str(caught.value)
    assert not any(f"{code} (" in str(caught.value) for code in GOOD if code != place)


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_rule_tells_nothing_of_the_data(
    broken: RuleTest, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    mine: Rules = {"E1": {"text": broken}}
    with pytest.raises(HuxinError) as caught:
        run_suite(marked_frame(), suite_of(mine), mine)
    said = "".join(traceback.format_exception(caught.value))
    assert MARKER not in said + caplog.text + "".join(capfd.readouterr())
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    results = validate_frame(marked_frame(), suite_of(mine), mine)
    assert MARKER not in str(results["E1"]) + repr(results)


def test_one_broken_field_breaks_its_check_only_and_the_rest_stay_honest() -> None:
    mine = {**GOOD, "E2": {"n": pl.col("n") > 9, "text": pl.col("absent") > 0}}
    results = validate_frame(marked_frame(), suite_of(mine), mine)
    assert {code: r.success for code, r in results.items()} == {"E1": False, "E2": False, "E3": True}
    assert results["E2"].exception_info["raised_exception"] is True
    assert "unexpected_count" not in results["E2"].result
    assert results["E1"].result["rows"].tolist() == [4]


def test_every_broken_rule_is_named_at_once() -> None:
    mine = {**GOOD, "E1": {"n": pl.col("absent")}, "E3": {"n": _raises}}
    with pytest.raises(HuxinError, match=r"E1 \(n: ColumnNotFoundError\); E3 \(n: ValueError\)"):
        run_suite(marked_frame(), suite_of(mine), mine)


def test_a_broken_rule_is_broken_over_no_rows_too() -> None:
    mine: Rules = {"E1": {"n": pl.col("absent") > 0}}
    with pytest.raises(HuxinError, match="E1"):
        run_suite(marked_frame(0), suite_of(mine), mine)


@pytest.mark.parametrize("rules", [{"E1": GOOD["E1"]}, {"E1": GOOD["E1"], "E2": {}}, {}])
def test_a_check_without_a_rule(rules: Rules) -> None:
    with pytest.raises(HuxinError, match="E2") as caught:
        run_suite(marked_frame(), suite_of(["E1", "E2"]), rules)
    assert caught.value.code == "H0401"


def test_a_rule_without_an_expectation() -> None:
    with pytest.raises(HuxinError, match="E2, E3") as caught:
        run_suite(marked_frame(), suite_of(["E1"]), GOOD)
    assert caught.value.code == "H0402"


def test_an_expectation_of_another_kind_is_refused() -> None:
    suite = ExpectationSuite(name="of-test", expectations=[ExpectColumnToExist(column="n")])
    with pytest.raises(HuxinError, match="expect_column_to_exist") as caught:
        run_suite(marked_frame(), suite, {})
    assert caught.value.code == "H0404"


def test_a_check_that_stands_twice_is_refused() -> None:
    with pytest.raises(HuxinError, match="E1") as caught:
        run_suite(marked_frame(), suite_of(["E1", "E1"]), {"E1": GOOD["E1"]})
    assert caught.value.code == "H0404"


def _directly(rules: Rules) -> Validator:
    engine = PolarsExecutionEngine(rules)
    engine.load_batch_data("frame", marked_frame())
    return Validator(execution_engine=engine)


def test_the_expectation_alone_fails_without_its_rule() -> None:
    configuration = ExpectRowsToPassRule(rule="E9").configuration
    (result,) = _directly(GOOD).graph_validate([configuration])
    assert result.success is False
    assert result.exception_info["exception_message"] == "no expression"


@pytest.mark.parametrize("key", ["table", "row_condition", "condition_parser"])
def test_the_engine_refuses_a_condition_that_it_would_ignore(key: str) -> None:
    engine = _directly(GOOD).execution_engine
    with pytest.raises(NotImplementedError, match=key):
        engine.get_domain_records({key: "n > 1"})


@pytest.mark.parametrize(
    "ask",
    [
        lambda engine: engine.get_batch_data_and_markers(None),
        lambda engine: engine.condition_to_filter_clause(None),
        lambda engine: engine.get_domain_records({"batch_id": "another"}),
        lambda engine: engine.load_batch_data("rows", [1, 2]),
    ],
)
def test_the_engine_serves_loaded_frames_and_nothing_else(
    ask: Callable[[PolarsExecutionEngine], object],
) -> None:
    with pytest.raises((NotImplementedError, KeyError, TypeError, ValueError)):
        ask(_directly(GOOD).execution_engine)


def test_a_forgotten_frame_is_not_judged() -> None:
    validator = _directly(GOOD)
    validator.execution_engine.forget()
    (result,) = validator.graph_validate([ExpectRowsToPassRule(rule="E1").configuration])
    assert result.success is False
