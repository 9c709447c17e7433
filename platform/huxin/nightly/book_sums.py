"""What newly written loans add to their members' books, summed as they pass on their way into the registry."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pyarrow as pa

_READ = ["member_id", "role", "status", "class5", "balance", "overdue_since", "overdue_amount"]
_KEY = ["member_id", "class5"]
# As registry.books.counts has it, of a version that nothing has ended yet.
_COUNTS = (pl.col("role") == 1) & (
    pl.col("status").is_between(1, 4) | ((pl.col("status") == 5) & (pl.col("balance") > 0))
)
_SUMS = [
    pl.len().cast(pl.Int64).alias("loans"),
    pl.col("balance").sum().alias("outstanding"),
    pl.col("overdue_since").count().cast(pl.Int64).alias("overdue_loans"),
    pl.col("overdue_amount").sum(),
]


class BookSums:
    """Sums by member and class over the tables that were watched; a few rows are held, never a loan."""

    def __init__(self) -> None:
        self._parts: list[pl.DataFrame] = []

    def watched(self, tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
        """The same tables of current rows of `loan`, each summed as it passes."""
        for table in tables:
            rows = pl.DataFrame(pl.from_arrow(table.select(_READ)))
            self._parts.append(rows.lazy().filter(_COUNTS).group_by(_KEY).agg(_SUMS).collect())
            yield table

    def table(self) -> pa.Table | None:
        """The sums of all that passed: member_id, class5, loans, outstanding, overdue_loans, overdue_amount."""
        if not self._parts:
            return None
        return pl.concat(self._parts).group_by(_KEY).agg(pl.all().sum()).to_arrow()
