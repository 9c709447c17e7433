"""Kinds of fields that several interfaces take: each as strict as it is described, for a guess may cost money."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from huxin.api.field_faults import misshapen
from huxin_checks.cells import tidy

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YUAN = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
_DESCRIBED = r"^(?=.*[1-9])[0-9]{1,15}(\.[0-9]{1,2})?$"

# What `_number` takes, to programs: blanks and an apostrophe before it go, as do blanks after it; what is left is no
# word for nothing, and has no invisible characters.
_BLANKS = r"[ \u00a0\u3000\ufeff\u200b\u2060]*"
_BEFORE = rf"{_BLANKS}['\uff07]?{_BLANKS}"
_NOTHING = r"(?:[nN\uff4e\uff2e][uU\uff55\uff35][lL\uff4c\uff2c]{2}|[-\uff0d]|\u65e0)?"
_SEEN = r"[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]*"
# Python finds `$` before a last line break, too; other programs do not.
_NUMBERED = f"^(?!{_BEFORE}{_NOTHING}{_BLANKS}$){_BEFORE}{_SEEN}{_BLANKS}$(?!\\n)"


def _day(value: Any) -> Any:
    # By itself pydantic also takes seconds since 1970 for a day: a number in the wrong field would be a consent.
    if not isinstance(value, str):
        return value
    if not _DAY.fullmatch(value):
        raise misshapen("day")
    try:
        return date.fromisoformat(value)
    except ValueError:  # 31 February has the form of a day, and is none
        raise misshapen("day") from None


def _yuan(value: Any) -> Any:
    """A text, or a whole number: what JSON calls 0.1 is no amount (RFC 8259, 6)."""
    if isinstance(value, str) and _YUAN.fullmatch(value):
        return Decimal(value)
    found = _whole(value)
    if isinstance(found, int) and not isinstance(found, bool):
        return Decimal(found)
    raise misshapen("amount")


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _number(value: str) -> str:
    found = tidy(value)
    if found is None:
        raise misshapen("loan_number")
    return found


# To JSON 60.0 is as whole a number as 60 (JSON Schema, 4.2.3).
Seconds = Annotated[int, Field(ge=60, le=365 * 86400), BeforeValidator(_whole)]
Epoch = Annotated[int, Field(ge=1, lt=1 << 31), BeforeValidator(_whole)]
Day = Annotated[date, BeforeValidator(_day)]
Amount = Annotated[
    Decimal,
    Field(gt=0, lt=10**15, decimal_places=2),
    BeforeValidator(_yuan),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": _DESCRIBED},
                {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10**15},
            ]
        }
    ),
]
# The member's own text, kept as it is: no control characters, some of which no database keeps and a terminal obeys.
Words = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
# A number by which a loan is to be found in a file: as the night cleans the file's cell, or the two never meet.
LoanNumber = Annotated[
    Words,
    AfterValidator(_number),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 64, "pattern": _NUMBERED}),
]
