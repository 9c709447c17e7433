"""A cell's value as a finding shows it: enough to find it again, no identifier to be read from it.

A shifted row can put a name or a number into any column, so a column's name proves nothing of its cells.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from huxin_checks.contract import Field, label_code, load_contract

LIMIT: Final = 32

# In clear only what is too short or too pointed to be an identifier: no run of six digits, no mobile number.
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,5}|[0-9]{1,3}(?:,[0-9]{3}){1,2})(?:\.[0-9]{0,4})? ?%?")
_DATE: Final = re.compile(r"[0-9]{4}(?:-[0-9]{1,2}-|/[0-9]{1,2}/|年[0-9]{1,2}月)[0-9]{1,2}日?(?: 00:00:00)?")
_CODE: Final = re.compile(r"[A-Za-z]{1,3}")
_CLEAR: Final = {"money": _NUMBER, "rate": _NUMBER, "integer": _NUMBER, "date": _DATE}
_HARMLESS: Final = frozenset(" .,%‰/:-+()（）·")
_FORMULA: Final = frozenset("=+-@")


def mask(field: str, text: str | None) -> str:
    """`text` of a cell of the loan/v1 field of that name, at most 32 characters and "…", "" when empty.

    A label of the field, a short number or a date in a field for these stays; all else shows its
    shape only: 9 for a digit, A for a letter, 文 for a Han character, # for what might act.
    """
    if not text:
        return ""
    if _may_be_shown(load_contract().field(field), text):
        return text
    shape = "".join(_class(char) for char in text[:LIMIT])
    if shape[0] in _FORMULA:
        shape = "#" + shape[1:]
    return shape + ("…" if len(text) > LIMIT else "")


def _may_be_shown(field: Field, text: str) -> bool:
    if len(text) > LIMIT:
        return False
    if field.kind == "enum":
        return label_code(field, text) is not None
    if field.name in ("currency", "id_country"):
        return _CODE.fullmatch(text) is not None
    shape = _CLEAR.get(field.kind)
    return shape is not None and shape.fullmatch(text) is not None


def _class(char: str) -> str:
    if char in _HARMLESS:
        return char
    category = unicodedata.category(char)
    if category.startswith("N"):
        return "9"
    if category.startswith("L"):
        return "A" if unicodedata.east_asian_width(char) not in "WF" or char.isascii() else _wide(char)
    return "#"


def _wide(char: str) -> str:
    # A full-width Latin letter is wide too, but no Han character.
    return "A" if unicodedata.normalize("NFKC", char).isascii() else "文"
