"""The rows of the facts' JSON into values: every key there, none unknown, each of its type and range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from functools import lru_cache
from operator import itemgetter
from types import NoneType
from typing import Any, Final, NoReturn

from huxin.decision.codes import CLASSES, KINDS, PRODUCTS, STATUSES, WINDOWS
from huxin.decision.facts_rows import EnquiryCount, Loan, Mobile, Reservation
from huxin.errors import HuxinError

_TYPES: Final = {"int": (int,), "bool": (bool,), "date": (str,)}
_NAMES: Final = tuple(field.name for field in fields(Loan))
_HISTORY: Final = ("bad_since", "bad_amount")  # the last two, which an older registry does not send
_WITHOUT_HISTORY: Final = len(_NAMES) - len(_HISTORY)
_KINDS: Final = tuple(
    (*_TYPES[str(field.type).split(" |")[0]], *((NoneType,) if "None" in str(field.type) else ()))
    for field in fields(Loan)
)
_DAYS: Final = tuple(i for i, field in enumerate(fields(Loan)) if str(field.type).startswith("date"))
_LIMITS: Final = {
    "m": range(10**6),
    "role": range(1, 4),
    "kind": range(1, len(KINDS)),
    "product": range(1, len(PRODUCTS)),
    "status": range(1, STATUSES + 1),
    "class5": range(1, len(CLASSES)),
    "balance": range(10**18 + 1),
    "principal": range(10**18 + 1),
    "dpd": range(10**6),
    "dpd24": range(10**6),
}
_limited = itemgetter(*_LIMITS)
_all_names, _older_names = itemgetter(*_NAMES), itemgetter(*_NAMES[:_WITHOUT_HISTORY])
_RESERVATION_KEYS: Final = frozenset(("m", "amount", "granted_at", "expires_at"))
_MOBILE_KEYS: Final = frozenset(("subjects", "enquiries"))
_COUNT_KEYS: Final = frozenset(("own", "kind", *WINDOWS))
_counts = itemgetter(*WINDOWS)


def loan_row(row: Mapping[str, Any]) -> Loan:
    """As many keys as there are names, and each name there: so none is unknown."""
    if len(row) == _WITHOUT_HISTORY:
        values = [*_older_names(row), None, None]
    else:
        values = list(_all_names(row))
        if len(row) != len(_NAMES):
            _refuse("loans")
    fault = _misfit(tuple(map(type, values)))
    if fault is not None:
        _refuse(f"loans.{fault}")
    for value, limits in zip(_limited(row), _LIMITS.values(), strict=True):
        if value not in limits:
            _refuse("loans, out of range")
    for place in _DAYS:
        text = values[place]
        if text is not None:
            values[place] = _day(text)
    return Loan(*values)


@lru_cache(maxsize=1024)
def _misfit(types: tuple[type, ...]) -> str | None:
    """The first field that may not be of its type; rows come in few patterns of them."""
    for name, found, allowed in zip(_NAMES, types, _KINDS, strict=True):
        if found not in allowed:
            return name
    return None


_day = lru_cache(maxsize=4096)(date.fromisoformat)


def reservation_row(row: Mapping[str, Any]) -> Reservation:
    exactly(row, _RESERVATION_KEYS, "reservations")
    granted, expires = moment(row["granted_at"]), moment(row["expires_at"])
    return Reservation(
        whole_number(row["m"], "reservations.m"),
        whole_number(row["amount"], "reservations.amount"),
        granted,
        expires,
    )


def mobile_row(row: Mapping[str, Any]) -> Mobile:
    exactly(row, _MOBILE_KEYS, "mobile")
    counts = tuple([count_row(entry) for entry in row["enquiries"]])
    return Mobile(whole_number(row["subjects"], "mobile.subjects"), counts)


def count_row(row: Mapping[str, Any]) -> EnquiryCount:
    exactly(row, _COUNT_KEYS, "enquiries")
    counts = _counts(row)
    for count in counts:
        whole_number(count, "enquiries")
    if row["own"].__class__ is not bool or row["kind"].__class__ is not str:
        _refuse("enquiries")
    return EnquiryCount(row["own"], row["kind"], counts)


def moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        _refuse("a moment without its zone")
    return read


def whole_number(value: Any, place: str) -> int:
    if value.__class__ is not int or value < 0:
        _refuse(place)
    return int(value)


def exactly(row: Mapping[str, Any], keys: frozenset[str], place: str) -> None:
    if frozenset(row) != keys:
        _refuse(place)


def _refuse(place: str) -> NoReturn:
    raise HuxinError("H1510", place=place)
