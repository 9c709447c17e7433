"""The thinnest execution engine that Great Expectations accepts: polars frames in memory, and the rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

import polars as pl

from huxin.nightly.gx.library import ExecutionEngine
from huxin_checks.hits import Rules


class PolarsExecutionEngine(ExecutionEngine):  # type: ignore[misc]  # Great Expectations has no types
    """Holds one polars frame a batch and the rules to judge it by.

    A frame is loaded as it is: `Batch` objects would fingerprint it, which costs more than the rules do.
    """

    def __init__(self, rules: Rules) -> None:
        super().__init__(name="polars", caching=False)
        self.rules = rules

    def load_batch_data(self, batch_id: str, batch_data: pl.DataFrame) -> None:
        """Make `batch_data` the active batch."""
        if not isinstance(batch_data, pl.DataFrame):
            raise TypeError("a batch is a polars DataFrame")
        super().load_batch_data(batch_id, batch_data)

    def forget(self) -> None:
        """Let go of every frame at once; the engine and its batch manager are a cycle, collected late."""
        self.batch_manager.batch_data_cache.clear()

    def get_domain_records(self, domain_kwargs: dict[str, Any]) -> pl.DataFrame:
        """The frame of the batch asked for (the active one by default)."""
        unserved = [key for key in ("table", "row_condition", "condition_parser") if domain_kwargs.get(key)]
        if unserved:
            # Ignoring a condition would judge other rows than the suite says.
            raise NotImplementedError(f"not with rules: {', '.join(unserved)}")
        batch_id = domain_kwargs.get("batch_id") or self.batch_manager.active_batch_data_id
        frame: pl.DataFrame = self.batch_manager.batch_data_cache[batch_id]
        return frame

    def get_compute_domain(
        self, domain_kwargs: dict[str, Any], domain_type: object, accessor_keys: Iterable[str] | None = None
    ) -> tuple[pl.DataFrame, dict[str, Any], dict[str, Any]]:
        """The frame; nothing of a domain is left to access."""
        return self.get_domain_records(domain_kwargs), dict(domain_kwargs), {}

    def get_batch_data_and_markers(self, batch_spec: object) -> NoReturn:
        """Frames come by load_batch_data only; nothing is read from files here."""
        raise NotImplementedError("load a frame with load_batch_data")

    def _no_condition(self, condition: object) -> NoReturn:
        raise NotImplementedError("not with rules: row_condition")

    _comparison_condition_to_filter_clause = _no_condition
    _nullity_condition_to_filter_clause = _no_condition
    _and_condition_to_filter_clause = _no_condition
    _or_condition_to_filter_clause = _no_condition
