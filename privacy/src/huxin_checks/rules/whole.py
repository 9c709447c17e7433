"""Checks over the rows of one file: E2001, E2002, E2003. Each says of each row of the KEYS frame if it fails.

Almost every loan has one row, the primary's. Only the others are looked at, sorted by loan,
so that the cost is theirs and the extra memory stays small however many they are.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from huxin_checks.rules.keys import shared

Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def e2001_party_repeated(keys: pl.DataFrame) -> pl.Series:
    """The same party of the same loan again: all rows but the first."""
    rows = _rows(_shared(keys) & keys["party"].is_not_null())
    rows = rows[np.lexsort((_values(keys, "party", rows), _values(keys, "loan", rows)))]
    return _marked(keys, rows[_as_before(keys, rows, "loan", "loan_check", "party")])


def e2002_rows_disagree(keys: pl.DataFrame) -> pl.Series:
    """Rows of one loan that differ in what is the loan's: all of them. A delete row says nothing of it."""
    rows, starts = _by_loan(keys, _rows(_shared(keys) & ~keys["delete"]))
    if not len(starts):
        return _marked(keys, rows)
    terms = _values(keys, "terms", rows)
    differ = np.minimum.reduceat(terms, starts) != np.maximum.reduceat(terms, starts)
    return _marked(keys, rows[_spread(differ, starts, len(rows))])


def e2003_no_primary(keys: pl.DataFrame) -> pl.Series:
    """A loan none of whose rows is the primary's: all of them. Delete rows need none and are none."""
    wanted = (_shared(keys) | ~keys["primary"]) & ~keys["delete"] & keys["loan"].is_not_null()
    rows, starts = _by_loan(keys, _rows(wanted))
    if not len(starts):
        return _marked(keys, rows)
    without = ~np.logical_or.reduceat(keys["primary"].to_numpy()[rows], starts)
    return _marked(keys, rows[_spread(without, starts, len(rows))])


def _shared(keys: pl.DataFrame) -> pl.Series:
    return keys["shared"] if "shared" in keys.columns else shared(keys)


def _rows(wanted: pl.Series) -> Rows:
    return wanted.arg_true().to_numpy().astype(np.int64)


def _values(keys: pl.DataFrame, column: str, rows: Rows) -> npt.NDArray[np.uint64]:
    # Nulls would make floats of hashes; no row that is asked for has one.
    values: npt.NDArray[np.uint64] = keys[column].fill_null(0).to_numpy()[rows]
    return values


def _by_loan(keys: pl.DataFrame, rows: Rows) -> tuple[Rows, Rows]:
    """The rows in order of their loans, and the places where each loan begins."""
    rows = rows[np.argsort(_values(keys, "loan", rows), kind="stable")]
    return rows, np.flatnonzero(~_as_before(keys, rows, "loan", "loan_check"))


def _as_before(keys: pl.DataFrame, rows: Rows, *columns: str) -> Flags:
    """Per row: equal to the row before it in every one of the columns."""
    same = np.ones(len(rows), dtype=np.bool_)
    same[:1] = False
    for column in columns:
        values = _values(keys, column, rows)
        same[1:] &= values[1:] == values[:-1]
    return same


def _spread(flags: Flags, starts: Rows, length: int) -> Flags:
    """One flag a loan, to one a row."""
    return np.repeat(flags, np.diff(np.append(starts, length)))


def _marked(keys: pl.DataFrame, rows: Rows) -> pl.Series:
    flags = np.zeros(keys.height, dtype=np.bool_)
    flags[rows] = True
    return pl.Series(flags)
