"""Run a suite over a frame with Great Expectations, and hand back who fails what, as row positions."""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl

from huxin.errors import HuxinError
from huxin.nightly.gx.engine import PolarsExecutionEngine
from huxin.nightly.gx.expectations import ExpectRowsToPassRule
from huxin.nightly.gx.library import ExpectationSuite, ExpectationValidationResult, Validator
from huxin.nightly.gx.suites import build_suite, load_suite
from huxin_checks.hits import RuleHits, Rules, Run

__all__ = ["RuleHits", "Rules", "build_suite", "load_suite", "run_suite", "stored_of", "validate_frame"]

# Faults of Great Expectations itself are raised: caught, they would be one more way to pass unseen.
_RUNTIME = {"catch_exceptions": False, "result_format": "COMPLETE"}


def stored_of(contract: str) -> Run:
    """Runs the stored suites of a contract: the rows that fail one, as `run_suite`."""

    def run(frame: pl.DataFrame, name: str, rules: Rules) -> list[RuleHits]:
        return run_suite(frame, load_suite(name, contract), rules)

    return run


def run_suite(frame: pl.DataFrame, suite: ExpectationSuite, rules: Rules) -> list[RuleHits]:
    """The rows of `frame` that fail, one RuleHits for each expectation in the suite's order, empty ones too.

    `rules` must hold the suite's codes, all of them and no other. HuxinError H0401 or H0402 if they differ,
    H0403 if a rule could not be evaluated: then no row has passed. No message holds anything of a cell.
    """
    results = validate_frame(frame, suite, rules)
    faults = {
        code: result.exception_info["exception_message"]
        for code, result in results.items()
        if result.exception_info["raised_exception"]
    }
    if faults:
        raise HuxinError("H0403", rules="; ".join(f"{code} ({why})" for code, why in faults.items()))
    return [_hits(code, result.result) for code, result in results.items()]


def validate_frame(
    frame: pl.DataFrame, suite: ExpectationSuite, rules: Rules
) -> dict[str, ExpectationValidationResult]:
    """Great Expectations' own result for each check code, for whoever wants to read those.

    `success` is false where rows fail and where the rule could not be evaluated (`exception_info` says so).
    """
    codes = _codes(suite)
    _same_codes(suite.name, codes, rules)
    engine = PolarsExecutionEngine(rules)
    engine.load_batch_data("frame", frame)
    validator = Validator(execution_engine=engine)
    validator.metrics_calculator.show_progress_bars = False
    try:
        results = validator.graph_validate(suite.expectation_configurations, runtime_configuration=_RUNTIME)
    finally:
        engine.forget()
    by_code = {result.expectation_config.kwargs["rule"]: result for result in results}
    return {code: by_code[code] for code in codes}


def _codes(suite: ExpectationSuite) -> list[str]:
    """The suite's check codes. H0404 for what this engine cannot judge honestly."""
    strange = [e.expectation_type for e in suite.expectations if not isinstance(e, ExpectRowsToPassRule)]
    codes = [e.rule for e in suite.expectations if isinstance(e, ExpectRowsToPassRule)]
    doubled = [code for code, times in Counter(codes).items() if times > 1]
    if strange or doubled:
        raise HuxinError("H0404", suite=suite.name, what=", ".join(strange + doubled))
    return codes


def _same_codes(suite: str, codes: list[str], rules: Rules) -> None:
    """A check that nobody evaluates and a rule that nobody expects would both pass rows in silence."""
    if missing := [code for code in codes if not rules.get(code)]:
        raise HuxinError("H0401", suite=suite, rules=", ".join(missing))
    if unexpected := [code for code in rules if code not in codes]:
        raise HuxinError("H0402", suite=suite, rules=", ".join(unexpected))


def _hits(code: str, result: dict[str, Any]) -> RuleHits:
    return RuleHits(code, result["rows"], result["fields"], result["field_index"])
