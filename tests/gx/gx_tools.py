"""Suites and frames for the tests of the rule engine."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl
from great_expectations import ExpectationSuite

from huxin.nightly.gx.expectations import ExpectRowsToPassRule

MARKER = "11010519491231002X"


def suite_of(codes: Iterable[str], severity: str = "critical") -> ExpectationSuite:
    """A suite with one expectation a code."""
    expectations = [ExpectRowsToPassRule(rule=c, severity=severity, meta={"code": c}) for c in codes]
    return ExpectationSuite(name="of-test", expectations=expectations)


def marked_frame(rows: int = 5) -> pl.DataFrame:
    """Row i holds the number i, and a text that no message may repeat."""
    texts = [f"{MARKER}-{i}" for i in range(rows)]
    return pl.DataFrame({"n": range(rows), "text": texts}, schema={"n": pl.Int64, "text": pl.String})
