"""Rules of resident numbers (GB 11643-1999): shape, check digit, birth date, province, the 15-digit form."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS: Final = "10X98765432"
# First two digits: GB/T 2260 provinces, and 81, 82, 83 which residence permits for people from
# Hong Kong, Macao and Taiwan carry. County codes are not looked at: they change, cards do not.
PROVINCES: Final = frozenset(
    {11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46}
    | {50, 51, 52, 53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83}
)
# Numbers began in 1984 with people then alive; an earlier year is a slip of the pen.
FIRST_YEAR: Final = 1800

_SHAPE: Final = re.compile(r"[0-9]{17}[0-9X]")
_OLD_SHAPE: Final = re.compile(r"[0-9]{15}")


def check_character(seventeen: str) -> str:
    """The 18th character for the first seventeen digits: ISO 7064 MOD 11-2."""
    total = sum(int(digit) * weight for digit, weight in zip(seventeen, WEIGHTS, strict=True))
    return CHECK_CHARACTERS[total % 11]


def upgrade(text: str) -> tuple[str, bool] | None:
    """(18 characters, whether it was of the old 15-digit form); None when `text` has neither shape."""
    if _SHAPE.fullmatch(text):
        return text, False
    if _OLD_SHAPE.fullmatch(text):
        seventeen = text[:6] + "19" + text[6:]
        return seventeen + check_character(seventeen), True
    return None


def possible(number: str, not_after: date | None = None) -> bool:
    """Whether province and birth date of an 18-character number can be; `not_after` is the last birth day."""
    if int(number[:2]) not in PROVINCES:
        return False
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return born.year >= FIRST_YEAR and (not_after is None or born <= not_after)
