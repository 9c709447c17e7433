"""Checks over the rows of one file: E2001, E2002, E2003. Each says of each row of the KEYS frame if it fails.

Almost every loan has one row, the primary's. Only the others are looked at, sorted by loan,
so that the cost is theirs and the extra memory stays small however many they are.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from huxin.nightly.rules.keys import shared

Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def e2001_party_repeated(keys: pl.DataFrame) -> pl.Series:
    """The same party of the same loan again: all rows but the first."""
    rows = _rows(keys, _shared(keys) & keys["party"].is_not_null())
    found = keys[rows]
    order = np.lexsort((found["party"].to_numpy(), found["loan"].to_numpy()))
    again = _as_before(found, order, "loan", "loan_check", "party")
    return _marked(keys, rows[order[again]])


def e2002_rows_disagree(keys: pl.DataFrame) -> pl.Series:
    """Rows of one loan that differ in what is the loan's: all of them. A delete row says nothing of it."""
    rows = _rows(keys, _shared(keys) & ~keys["delete"])
    found = keys[rows]
    order, starts = _by_loan(found)
    if not len(starts):
        return _marked(keys, rows)
    terms = found["terms"].to_numpy()[order]
    differ = np.minimum.reduceat(terms, starts) != np.maximum.reduceat(terms, starts)
    return _marked(keys, rows[order[_spread(differ, starts, len(order))]])


def e2003_no_primary(keys: pl.DataFrame) -> pl.Series:
    """A loan none of whose rows is the primary's: all of them. Delete rows need none and are none."""
    rows = _rows(keys, (_shared(keys) | ~keys["primary"]) & ~keys["delete"] & keys["loan"].is_not_null())
    found = keys[rows]
    order, starts = _by_loan(found)
    if not len(starts):
        return _marked(keys, rows)
    without = ~np.logical_or.reduceat(found["primary"].to_numpy()[order], starts)
    return _marked(keys, rows[order[_spread(without, starts, len(order))]])


def _shared(keys: pl.DataFrame) -> pl.Series:
    return keys["shared"] if "shared" in keys.columns else shared(keys)


def _rows(keys: pl.DataFrame, wanted: pl.Series) -> Rows:
    return wanted.arg_true().to_numpy().astype(np.int64)


def _by_loan(found: pl.DataFrame) -> tuple[Rows, Rows]:
    """Row order by loan, and where in it each loan begins."""
    order = np.argsort(found["loan"].to_numpy(), kind="stable")
    return order, np.flatnonzero(~_as_before(found, order, "loan", "loan_check"))


def _as_before(found: pl.DataFrame, order: Rows, *columns: str) -> Flags:
    """Per place of the order: equal to the row before it in every one of the columns."""
    same = np.ones(len(order), dtype=np.bool_)
    same[:1] = False
    for column in columns:
        values = found[column].to_numpy()[order]
        same[1:] &= values[1:] == values[:-1]
    return same


def _spread(flags: Flags, starts: Rows, length: int) -> Flags:
    """One flag a loan, to one a row."""
    return np.repeat(flags, np.diff(np.append(starts, length)))


def _marked(keys: pl.DataFrame, rows: Rows) -> pl.Series:
    flags = np.zeros(keys.height, dtype=np.bool_)
    flags[rows] = True
    return pl.Series(flags)
