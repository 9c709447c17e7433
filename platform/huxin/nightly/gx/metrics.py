"""The one metric that all expectations share: every rule of the engine over its batch, computed once."""

from __future__ import annotations

from typing import Any

from huxin.nightly.gx.engine import PolarsExecutionEngine
from huxin.nightly.gx.library import TableMetricProvider, metric_value
from huxin_checks.evaluate import evaluate
from huxin_checks.hits import Outcome

RULE_OUTCOME = "table.rule_outcome"


class TableRuleOutcome(TableMetricProvider):  # type: ignore[misc]  # Great Expectations has no types
    """Its id holds nothing of a rule, so Great Expectations resolves it once for a whole suite."""

    metric_name = RULE_OUTCOME

    @metric_value(engine=PolarsExecutionEngine)  # type: ignore[untyped-decorator]  # Great Expectations has no types
    def _polars(
        cls,  # noqa: N805  (Great Expectations calls it with the class)
        execution_engine: PolarsExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        **_: object,
    ) -> Outcome:
        frame, _domain, _accessors = execution_engine.get_compute_domain(metric_domain_kwargs, "table")
        return evaluate(frame, execution_engine.rules)
