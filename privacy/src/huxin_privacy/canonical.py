"""Canonical identifiers one at a time: what people write, brought to the one form that is hashed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from huxin_privacy import resident, uscc
from huxin_privacy.contacts import compact
from huxin_privacy.errors import PrivacyError

E1101: Final = 1  # check digit wrong
E1102: Final = 2  # damaged by a spreadsheet
E1103: Final = 4  # impossible birth date or province
E1104: Final = 8  # wrong shape
FAULTS: Final = {"E1101": E1101, "E1102": E1102, "E1103": E1103, "E1104": E1104}

# Label codes of id_type in loan/v1.
RESIDENT_ID: Final = 1
PASSPORT: Final = 2
USCC: Final = 3
TYPES: Final = {"resident_id": RESIDENT_ID, "passport": PASSPORT, "uscc": USCC}

# 1.2E+17, 1.20113196301133E+17, 120113196301133000.0
_DAMAGED: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?E[+-]?[0-9]+|[0-9]+\.0*")
_PASSPORT: Final = re.compile(r"[A-Z0-9]{5,20}")
_COUNTRY: Final = re.compile(r"[A-Z]{3}")

# (canonical text or None, fault bits, upgraded)
Outcome = tuple[str | None, int, bool]


@dataclass(frozen=True)
class Canonical:
    """A canonical identifier; `text` is None when there is any fault. Its repr hides the text."""

    type: str
    text: str | None = field(repr=False)
    faults: tuple[str, ...]
    upgraded: bool


def canonical_id(
    id_type: str, id_no: str, id_country: str | None = None, *, not_after: date | None = None
) -> Canonical:
    """The canonical form of one identifier, with every fault that applies.

    `id_type` is "resident_id", "passport" or "uscc"; `id_country` (ISO 3166 alpha-3) counts for
    passports only; a birth after `not_after` is impossible. Wrong shape excludes the other faults.
    Raises PrivacyError P0102 for another type.
    """
    if id_type not in TYPES:
        raise PrivacyError("P0102", type=id_type)
    text, bits, upgraded = outcome(TYPES[id_type], id_no, id_country, not_after)
    return Canonical(id_type, text, fault_codes(bits), upgraded)


def fault_codes(bits: int) -> tuple[str, ...]:
    """The codes of a fault bitmask, in order."""
    return tuple(code for code, bit in FAULTS.items() if bits & bit)


def outcome(type_code: int, id_no: str, id_country: str | None, not_after: date | None) -> Outcome:
    """(canonical text or None, fault bits, upgraded) of one identifier by its label code."""
    text = _ascii_upper(compact(id_no))
    if text is None:
        return None, E1104, False
    if type_code == PASSPORT:
        return _passport(text, id_country)
    judge: Callable[[str, date | None], Outcome] = _resident if type_code == RESIDENT_ID else _uscc
    return judge(text, not_after)


def _ascii_upper(text: str) -> str | None:
    # ASCII first: upper() turns some foreign letters into ASCII ones (dotless i, sharp s).
    return text.upper() if text.isascii() else None


def _misshapen(text: str) -> Outcome:
    return None, E1102 if _DAMAGED.fullmatch(text) else E1104, False


def _resident(text: str, not_after: date | None) -> Outcome:
    found = resident.upgrade(text)
    if found is None:
        return _misshapen(text)
    number, upgraded = found
    bits = 0 if resident.check_character(number[:17]) == number[17] else E1101
    if not resident.possible(number, not_after):
        bits |= E1103
    return (None if bits else number), bits, upgraded


def _passport(text: str, id_country: str | None) -> Outcome:
    if not _PASSPORT.fullmatch(text):
        return _misshapen(text)
    country = _ascii_upper(compact(id_country or ""))
    if country is None or not _COUNTRY.fullmatch(country):
        return None, E1104, False
    return country + text, 0, False


def _uscc(text: str, _not_after: date | None) -> Outcome:
    if not uscc.well_shaped(text):
        return _misshapen(text)
    right = uscc.check_character(text[:17]) == text[17]
    return (text, 0, False) if right else (None, E1101, False)
