"""What Great Expectations itself holds afterwards: true numbers, positions, and no value."""

from __future__ import annotations

import gc
import json
import logging
import weakref

import numpy as np
import polars as pl
import pytest
from great_expectations.expectations.metadata_types import FailureSeverity
from gx_tools import MARKER, marked_frame, suite_of

from huxin.nightly.gx.run import Rules, run_suite, validate_frame
from huxin_checks import evaluate

RULES: Rules = {
    "E1": {"n": pl.col("n") >= 6, "text": pl.col("text").str.ends_with("7")},
    "E2": {"text": pl.col("text").is_null()},
}


def test_the_numbers_are_true() -> None:
    results = validate_frame(marked_frame(8), suite_of(RULES), RULES)
    failed, passed = results["E1"], results["E2"]
    # Row 7 fails in both fields and counts as one row.
    assert failed.success is False
    assert failed.result["element_count"] == 8
    assert failed.result["unexpected_count"] == 2
    assert failed.result["unexpected_percent"] == 25.0
    assert failed.result["rows"].tolist() == [6, 7, 7]
    assert failed.result["field_index"].tolist() == [0, 0, 1]
    assert failed.result["fields"] == ("n", "text")
    assert passed.success is True
    assert (passed.result["unexpected_count"], passed.result["unexpected_percent"]) == (0, 0.0)


@pytest.mark.parametrize("severity", ["critical", "warning"])
def test_severity_and_success_are_kept_apart(severity: str) -> None:
    result = validate_frame(marked_frame(8), suite_of(RULES, severity), RULES)["E1"]
    assert result.success is False
    assert result.expectation_config.severity == FailureSeverity(severity)
    assert result.expectation_config.meta == {"code": "E1"}


def test_no_rows_are_no_failure() -> None:
    result = validate_frame(marked_frame(0), suite_of(RULES), RULES)["E1"]
    assert result.success is True
    assert (result.result["element_count"], result.result["unexpected_percent"]) == (0, 0.0)


def test_no_value_leaves(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    frame = marked_frame(8)
    suite = suite_of(RULES)
    results = validate_frame(frame, suite, RULES)
    hits = run_suite(frame, suite, RULES)
    as_json = json.dumps([r.to_json_dict() for r in results.values()])
    told = [as_json, str(results["E1"]), repr(results), results["E1"].describe(), repr(hits), str(suite)]
    assert MARKER not in "".join(told) + caplog.text
    assert capfd.readouterr() == ("", "")
    assert json.loads(as_json)[0]["result"]["rows"] == [6, 7, 7]


def test_results_are_the_very_arrays_not_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[np.ndarray] = []
    hits = evaluate.Outcome.hits

    def keeping(self: evaluate.Outcome, code: str) -> object:
        found = hits(self, code)
        made.append(found.rows)
        return found

    monkeypatch.setattr(evaluate.Outcome, "hits", keeping)
    (found,) = run_suite(marked_frame(100), suite_of(["E1"]), {"E1": {"n": pl.col("n") > 3}})
    assert found.rows is made[0]


def test_the_expressions_are_evaluated_once_for_all_expectations() -> None:
    calls: list[int] = []

    def counted(frame: pl.DataFrame) -> pl.Series:
        calls.append(frame.height)
        return frame["n"] < 0

    mine = {f"E{i}": {"n": counted if i == 0 else pl.col("n") < 0} for i in range(12)}
    run_suite(marked_frame(), suite_of(mine), mine)
    assert calls == [5]


def test_the_frame_is_let_go_at_once() -> None:
    class Watched(pl.DataFrame):
        """A frame that can be watched: polars' own has no weak references to its columns."""

    frame = Watched(marked_frame())
    watch = weakref.ref(frame)
    gc.disable()
    try:
        run_suite(frame, suite_of(RULES), RULES)
        del frame
        assert watch() is None
    finally:
        gc.enable()
