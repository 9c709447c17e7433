"""What a cleaned text means by its field's kind: the one grammar of numbers, dates and labels."""

from __future__ import annotations

from typing import Final

import polars as pl

from huxin_checks.contract import Field

DECIMALS: Final = {"money": 2, "rate": 4, "integer": 0}
TYPES: Final = {
    "enum": pl.UInt8(),
    "money": pl.Int64(),
    "rate": pl.Int32(),
    "integer": pl.Int32(),
    "date": pl.Date(),
}
# A number too large to hold stands here, outside of every range: E1201 finds it, never E1202.
_BEYOND: Final = {"money": 10**18, "rate": 2**31 - 1, "integer": 2**31 - 1}
_DATE_SHAPES: Final = (
    r"^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})$",
    r"^([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})$",
    r"^([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})日$",
    r"^([0-9]{4})([0-9]{2})([0-9]{2})(?:\.0+)?$",
)
_MIDNIGHT: Final = r"[ T]00:00(?::00(?:\.0+)?)?$"
_SERIAL: Final = r"^([0-9]{5})(?:\.0+)?$"
# Days of a spreadsheet count from 1899-12-30; those between 1954 and 2119 are read as dates.
_SERIALS: Final = (20_000, 80_000)
_SERIAL_OF_EPOCH: Final = 25_569
_FIRST_YEAR: Final = 1900


def meaning(field: Field, text: pl.Expr) -> pl.Expr:
    """The value of a typed field's cleaned text, in the type of `TYPES`; null when it has none."""
    if field.kind == "enum":
        return _label(field, text)
    if field.kind == "date":
        return _date(text)
    return _number(field.kind, text)


def _label(field: Field, text: pl.Expr) -> pl.Expr:
    codes = field.label_texts()
    return text.str.to_lowercase().replace_strict(codes, default=None, return_dtype=pl.UInt8)


def _number(kind: str, text: pl.Expr) -> pl.Expr:
    """Digits, a sign, commas between groups of three, one point; more decimals only if they are zeros.

    An exponent, a unit or a comma elsewhere makes it no number: what it was before is not guessed.
    """
    places, beyond = DECIMALS[kind], _BEYOND[kind]
    if kind == "rate":
        text = text.str.strip_suffix("%").str.strip_chars_end(" ")
    shape = rf"^[+-]?(?:[0-9]{{1,3}}(?:,[0-9]{{3}})+|[0-9]*)(?:\.[0-9]{{0,{places}}}0*)?$"
    scaled = (
        text.str.replace_all(",", "", literal=True).cast(pl.Decimal(38, places), strict=False).to_physical()
    )
    huge = pl.when(text.str.starts_with("-")).then(-beyond).otherwise(beyond)
    value = scaled.clip(-beyond, beyond).cast(pl.Int64).fill_null(huge).cast(TYPES[kind])
    return pl.when(text.str.contains(shape) & text.str.contains("[0-9]")).then(value)


def _date(text: pl.Expr) -> pl.Expr:
    """A day that exists, from 1900 on, in one of the contract's spellings; no time of day but midnight."""
    day = text.str.replace(_MIDNIGHT, "")
    iso = pl.coalesce([_iso(day, shape) for shape in _DATE_SHAPES])
    written = iso.str.to_date("%Y-%m-%d", strict=False)
    serial = day.str.extract(_SERIAL).cast(pl.Int32)
    counted = pl.when(serial.is_between(*_SERIALS)).then((serial - _SERIAL_OF_EPOCH).cast(pl.Date))
    found = pl.coalesce([written, counted])
    return pl.when(found.dt.year() >= _FIRST_YEAR).then(found)


def _iso(day: pl.Expr, shape: str) -> pl.Expr:
    year, month, last = (day.str.extract(shape, group) for group in (1, 2, 3))
    return pl.concat_str([year, month.str.zfill(2), last.str.zfill(2)], separator="-")
