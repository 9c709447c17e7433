"""The quick way for the spelling that most cells have; null means "not sure", and the grammar decides."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import polars as pl

from huxin_checks.cells.grammar import TYPES
from huxin_checks.contract import Field

_FIRST_DAY: Final = date(1970, 1, 1)
_DAYS: Final = 40_000  # to 2079; a day outside takes the grammar's way
_DECIMALS: Final = {"money": 2, "rate": 4}


def quick(field: Field, cell: pl.Expr) -> pl.Expr:
    """The field's value where its raw cell is in the plainest spelling, else null.

    Whatever it reads, the grammar reads the same (a property test holds that).
    """
    if field.kind == "enum":
        return _label(field, cell)
    if field.kind == "date":
        # Membership in a dictionary of days costs a third of parsing them.
        return cell.cast(_days(), strict=False).to_physical().cast(pl.Int32).cast(pl.Date)
    if field.kind == "integer":
        return cell.cast(pl.Int32, strict=False)
    return _two_decimals(field.kind, cell)


def _label(field: Field, cell: pl.Expr) -> pl.Expr:
    codes = field.label_texts()
    places = cell.cast(pl.Enum(list(codes)), strict=False).to_physical()
    return pl.lit(pl.Series(list(codes.values()), dtype=pl.UInt8)).gather(places)


def _two_decimals(kind: str, cell: pl.Expr) -> pl.Expr:
    """Two decimals: with the point third from the end a number has neither an exponent nor more decimals."""
    places = _DECIMALS[kind]
    value = cell.cast(pl.Decimal(18, places), strict=False).to_physical()
    small = value.is_between(-(2**31), 2**31 - 1) if kind == "rate" else pl.lit(True)
    return pl.when((cell.str.slice(-3, 1) == ".") & small).then(value.cast(TYPES[kind], strict=False))


@lru_cache(maxsize=1)
def _days() -> pl.DataTypeExpr:
    # As an expression: a cast to the plain type would copy the dictionary for every column.
    return pl.Enum([(_FIRST_DAY + timedelta(days=day)).isoformat() for day in range(_DAYS)]).to_dtype_expr()
