"""The one expectation of all suites: rows pass the rule of a check; failing ones are told by position."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from huxin.nightly.gx.library import (
    BatchExpectation,
    MetricConfiguration,
    ValidationDependencies,
    parse_result_format,
)
from huxin.nightly.gx.metrics import RULE_OUTCOME
from huxin_checks.hits import Outcome


class ExpectRowsToPassRule(BatchExpectation):  # type: ignore[misc]  # Great Expectations has no types
    """Expect every row of the batch to pass the rule named by a check's code.

    The result holds element_count, unexpected_count (rows, each once), unexpected_percent, and as arrays
    `rows` (positions), `fields` and `field_index`. It never holds a value, so it can be stored and shown.
    A rule that is missing or could not be evaluated is a failure with exception_info, never a pass.
    """

    rule: str

    metric_dependencies: ClassVar[tuple[str, ...]] = (RULE_OUTCOME,)
    success_keys: ClassVar[tuple[str, ...]] = ("rule",)
    args_keys: ClassVar[tuple[str, ...]] = ("rule",)

    def get_validation_dependencies(
        self, execution_engine: object = None, runtime_configuration: dict[str, Any] | None = None
    ) -> ValidationDependencies:
        """The shared metric. The inherited way gives the same, but copies the expectation ten times over."""
        metric = MetricConfiguration(RULE_OUTCOME, {"batch_id": self.batch_id})
        asked_for = (runtime_configuration or {}).get("result_format", self.result_format)
        return ValidationDependencies({RULE_OUTCOME: metric}, parse_result_format(asked_for))

    def _validate(
        self,
        metrics: dict[str, Outcome],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: object = None,
    ) -> dict[str, Any]:
        outcome = metrics[RULE_OUTCOME]
        if self.rule not in outcome.columns:
            return _not_evaluated(outcome.broken.get(self.rule, "no expression"))
        return _judged(outcome, self.rule)


def _judged(outcome: Outcome, code: str) -> dict[str, Any]:
    """A dict, not a result object: Great Expectations would send an object through JSON, row by row."""
    hits = outcome.hits(code)
    several = len(hits.fields) > 1
    count = len(np.unique(hits.rows)) if several else len(hits.rows)
    return {
        "success": count == 0,
        "result": {
            "element_count": outcome.height,
            "unexpected_count": count,
            "unexpected_percent": 100 * count / outcome.height if outcome.height else 0.0,
            "rows": hits.rows,
            "fields": hits.fields,
            "field_index": hits.field_index,
        },
    }


def _not_evaluated(why: str) -> dict[str, Any]:
    info = {"raised_exception": True, "exception_traceback": None, "exception_message": why}
    return {"success": False, "exception_info": info}
