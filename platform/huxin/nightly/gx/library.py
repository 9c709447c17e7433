"""Everything that is used of Great Expectations, imported here only and without its side effects."""

from __future__ import annotations

import logging
import os
import warnings

# Read by Great Expectations when it is imported: no usage statistics leave this machine.
os.environ["GX_ANALYTICS_ENABLED"] = "false"

_shown_by = warnings.showwarning

# ruff: noqa: E402  # the variables must be set before the import
from great_expectations import ExpectationSuite
from great_expectations.core.expectation_suite import expectationSuiteSchema
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.execution_engine import ExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.expectation_configuration import parse_result_format
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validator import ValidationDependencies, Validator

if warnings.showwarning is not _shown_by:
    # Great Expectations diverts every warning of the process into the log; give them back.
    logging.captureWarnings(False)

# Its warnings and errors quote what they stumbled over, which here may be a cell.
logging.getLogger("great_expectations").setLevel(logging.CRITICAL)

__all__ = [
    "BatchExpectation",
    "ExecutionEngine",
    "ExpectationSuite",
    "ExpectationValidationResult",
    "MetricConfiguration",
    "TableMetricProvider",
    "ValidationDependencies",
    "Validator",
    "expectationSuiteSchema",
    "metric_value",
    "parse_result_format",
]
