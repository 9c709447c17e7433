"""What goes into the rule engine and what comes out of it: rules by code and field, hits as row positions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

# True where the row fails; null and false both pass (that a value must be there is a rule of its own).
Test = pl.Expr | Callable[[pl.DataFrame], pl.Series]
Rules = Mapping[str, Mapping[str, Test]]


@dataclass(frozen=True, eq=False)
class RuleHits:
    """The rows that fail one check, in order of row, then field; empty arrays where none does.

    `rows` are int64 positions in the frame; `field_index` (uint8, parallel to `rows`) points into `fields`.
    A row that fails in two fields stands there twice. No value of any cell is kept.
    """

    code: str
    rows: npt.NDArray[np.int64]
    fields: tuple[str, ...]
    field_index: npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Outcome:
    """Every rule's verdict over one frame of `height` rows: per code one boolean column a field.

    `broken` names, per code, what could not be evaluated: such a code has no columns, so nothing passes it.
    """

    height: int
    fields: Mapping[str, tuple[str, ...]]
    columns: Mapping[str, tuple[pl.Series, ...]] = field(repr=False)
    broken: Mapping[str, str]

    def hits(self, code: str) -> RuleHits:
        """Positions of the rows that fail `code`. KeyError where the code is broken or unknown."""
        found = [(i, c.arg_true().to_numpy()) for i, c in enumerate(self.columns[code]) if c.any()]
        if not found:
            return RuleHits(code, np.empty(0, np.int64), self.fields[code], np.empty(0, np.uint8))
        rows = np.concatenate([rows for _, rows in found]).astype(np.int64)
        which = np.repeat(np.array([i for i, _ in found], np.uint8), [len(rows) for _, rows in found])
        if len(found) > 1:
            order = np.argsort(rows, kind="stable")
            rows, which = rows[order], which[order]
        return RuleHits(code, rows, self.fields[code], which)


# Who runs rules: a frame, the name of their suite (rows, set, files), and the rules; one RuleHits a code.
Run = Callable[[pl.DataFrame, str, Rules], list[RuleHits]]
