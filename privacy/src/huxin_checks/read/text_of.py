"""Typed cells of spreadsheets and Parquet as the text that a member would have written in a CSV."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal

_EXACT = 1e15
"""Whole numbers from here on have over 15 digits, more than a spreadsheet keeps."""


def number(value: float) -> str:
    """Without ".0" and without the artefacts of binary fractions (15 digits, as a spreadsheet shows).

    A whole number of over 15 digits is given as 1.20113196301133E+17: the spreadsheet has lost its
    last digits, and the check for that damage must see it.
    """
    if value != value:
        return ""
    if abs(value) >= _EXACT:
        digits, exponent = f"{value:.14E}".split("E")
        return f"{digits.rstrip('0').rstrip('.')}E{exponent}"
    if value == int(value):
        return str(int(value))
    text = f"{value:.15g}"
    return format(Decimal(text), "f") if "e" in text else text


def moment(value: dt.datetime) -> str:
    """The date alone at midnight, otherwise date and time, which no date field accepts."""
    return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ")


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _text(value: str) -> str:
    return value


_RENDER: dict[type, Callable[..., str]] = {
    str: _text,
    float: number,
    int: number,
    bool: _boolean,
    dt.date: dt.date.isoformat,
    dt.datetime: moment,
}


def texts(column: Sequence[object]) -> list[str]:
    """The column's cells as text; kinds that no field holds (a time of day) by `str`."""
    render = _RENDER
    return [value if type(value) is str else render.get(type(value), str)(value) for value in column]
