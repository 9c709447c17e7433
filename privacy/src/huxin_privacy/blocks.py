"""Judging many identifiers at once, as matrices of their bytes."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Callable
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

from huxin_privacy import canonical, resident, uscc
from huxin_privacy.arrow import Bytes, Flags

MOBILE_LENGTH: Final = 11
HAN_BYTES: Final = 3
# Rows judged at a time: their matrix stays in the processor's cache, and the product stays below the
# size (2^18 multiplications) at which OpenBLAS starts threads, which cost ten times what they save here.
STEP: Final = 3_072

Whole = npt.NDArray[np.int16]
# (rows whose bytes are clean, fault bits, rows that hold a lower-case letter)
Verdict = tuple[Flags, Bytes, Flags]


def residents(rows: Bytes, not_after: date | None) -> Verdict:
    """Judge (n, 18) bytes as resident numbers; unclean rows carry no meaning in the other two."""
    return _stepwise(rows, lambda part: _residents(part, not_after))


def usccs(rows: Bytes, _not_after: date | None) -> Verdict:
    """Judge (n, 18) bytes as unified social credit codes; unclean rows as in `residents`."""
    return _stepwise(rows, _usccs)


def upper(rows: Bytes) -> Bytes:
    """`rows` of ASCII with its letters raised."""
    return np.where((rows >= ord("a")) & (rows <= ord("z")), rows - 32, rows).astype(np.uint8)


def mobiles(rows: Bytes) -> Flags:
    """Which (n, 11) bytes are mobile numbers as they stand."""
    digits = rows - ord("0")
    shaped = (digits[:, 0] == 1) & (digits[:, 1] >= 3)
    return np.asarray(shaped & (digits.max(axis=1, initial=0) <= 9))


def han_names(flat: Bytes, starts: npt.NDArray[np.int64]) -> Flags:
    """Which names are Han characters of U+4000 to U+9FFF only: nothing in there is ever changed.

    `flat` holds the UTF-8 of all names one after the other, each of whole triples and none empty,
    `starts` the n byte offsets. A lead byte E4-E9 says that its character has three bytes.
    """
    leads = flat[::HAN_BYTES]
    return np.logical_and.reduceat((leads >= 0xE4) & (leads <= 0xE9), starts // HAN_BYTES)


def _stepwise(rows: Bytes, judge: Callable[[Bytes], Verdict]) -> Verdict:
    parts = [judge(rows[start : start + STEP]) for start in range(0, len(rows), STEP)]
    clean, bits, lower = zip(*parts, strict=True)
    return np.concatenate(clean), np.concatenate(bits), np.concatenate(lower)


def _residents(rows: Bytes, not_after: date | None) -> Verdict:
    places = np.ascontiguousarray(rows.T)  # one contiguous line a place: numpy is at its best along it
    digits = places - ord("0")  # wraps round: whatever is no digit becomes greater than 9
    lower = places[17] == ord("x")
    last = np.where(lower, np.uint8(ord("X")), places[17])
    clean = (digits[:17].max(axis=0) <= 9) & ((digits[17] <= 9) | (last == ord("X")))
    # One product gives check sum, province, year, month and day; below 2^24 a float32 is exact.
    sums = _RESIDENT_SUMS @ np.minimum(digits[:17], 9).astype(np.float32)
    check, province, year, month, day = sums.astype(np.int16)
    wrong = _RESIDENT_CHECKS[check] != last
    impossible = ~(_PROVINCES[province] & _real_dates(year, month, day, not_after))
    bits = wrong * np.uint8(canonical.E1101) | impossible * np.uint8(canonical.E1103)
    return clean, bits, lower


def _real_dates(year: Whole, month: Whole, day: Whole, not_after: date | None) -> Flags:
    real = (day >= 1) & (day <= _MONTH_LENGTHS[month]) & (year >= resident.FIRST_YEAR)
    real &= ~((month == 2) & (day == 29)) | _LEAP[year]
    if not_after is None:
        return np.asarray(real)
    month_day = month * np.int16(100) + day
    last = not_after.month * 100 + not_after.day
    return np.asarray(real & ((year < not_after.year) | ((year == not_after.year) & (month_day <= last))))


def _usccs(rows: Bytes) -> Verdict:
    places = np.ascontiguousarray(rows.T)
    values = _USCC_VALUES[places]
    clean = (values.max(axis=0) < _NO_VALUE) & (values[2:8].max(axis=0) <= 9)
    total = (_USCC_WEIGHTS @ values[:17].astype(np.float32)).astype(np.int16)
    wrong = -total % len(uscc.ALPHABET) != values[17]
    lower = np.asarray((places >= ord("a")).any(axis=0))
    return clean, wrong * np.uint8(canonical.E1101), lower


def _resident_sums() -> npt.NDArray[np.float32]:
    sums = np.zeros((5, 17), dtype=np.float32)
    sums[0] = resident.WEIGHTS
    sums[1, 0:2] = 10, 1
    sums[2, 6:10] = 1000, 100, 10, 1
    sums[3, 10:12] = 10, 1
    sums[4, 12:14] = 10, 1
    return sums


def _resident_checks() -> Bytes:
    greatest = 9 * sum(resident.WEIGHTS)
    characters = np.frombuffer(resident.CHECK_CHARACTERS.encode(), dtype=np.uint8)
    return characters[np.arange(greatest + 1) % 11]


def _uscc_values() -> Bytes:
    values = np.full(256, _NO_VALUE, dtype=np.uint8)
    for character, value in uscc.VALUES.items():
        values[[ord(character), ord(character.lower())]] = value
    return values


_NO_VALUE: Final = 99
_RESIDENT_SUMS: Final = _resident_sums()
_RESIDENT_CHECKS: Final = _resident_checks()
_PROVINCES: Final = np.isin(np.arange(100), list(resident.PROVINCES))
_MONTH_LENGTHS: Final = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] + [0] * 87, np.int16)
_LEAP: Final = np.array([isleap(year) for year in range(10_000)])
_USCC_VALUES: Final = _uscc_values()
_USCC_WEIGHTS: Final = np.array(uscc.WEIGHTS, dtype=np.float32)
