"""The rows of the facts' JSON into values: every key there, none unknown, each of its type and range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from operator import itemgetter
from types import NoneType
from typing import Any, Final, NoReturn

from huxin.decision.codes import CLASSES, HARDSHIP_NONE, KINDS, PRODUCTS, STATUSES, WINDOWS
from huxin.decision.facts_rows import EnquiryCount, Loan, Mobile, Reservation
from huxin.errors import HuxinError

_TYPES: Final = {"int": (int,), "bool": (bool,), "date": (str,)}
_NAMES: Final = tuple(field.name for field in fields(Loan))
_HISTORY: Final = frozenset(("bad_since", "bad_amount"))  # an older registry does not send them
_REQUIRED: Final = frozenset(_NAMES) - _HISTORY
_KINDS: Final = tuple(
    (*_TYPES[str(field.type).split(" |")[0]], *((NoneType,) if "None" in str(field.type) else ()))
    for field in fields(Loan)
)
_DAYS: Final = tuple(i for i, field in enumerate(fields(Loan)) if str(field.type).startswith("date"))
_LIMITS: Final = {
    "m": (0, 10**6),
    "role": (1, 3),
    "kind": (1, len(KINDS) - 1),
    "product": (1, len(PRODUCTS) - 1),
    "status": (1, STATUSES),
    "class5": (1, len(CLASSES) - 1),
    "balance": (0, 10**18),
    "principal": (0, 10**18),
    "dpd": (0, 10**6),
    "dpd24": (0, 10**6),
    "hardship": (HARDSHIP_NONE, 3),
}
_RANGES: Final = tuple((_NAMES.index(name), *limits) for name, limits in _LIMITS.items())
_RESERVATION_KEYS: Final = frozenset(("m", "amount", "granted_at", "expires_at"))
_MOBILE_KEYS: Final = frozenset(("subjects", "enquiries"))
_COUNT_KEYS: Final = frozenset(("own", "kind", *WINDOWS))
_counts = itemgetter(*WINDOWS)


def loan_row(row: Mapping[str, Any]) -> Loan:
    if row.keys() != _REQUIRED and row.keys() - _HISTORY != _REQUIRED:
        _refuse("loans")
    values: list[Any] = [row.get(name) for name in _NAMES]
    for place, (value, kinds) in enumerate(zip(values, _KINDS, strict=True)):
        if value.__class__ not in kinds:
            _refuse(f"loans.{_NAMES[place]}")
    for place, low, high in _RANGES:
        value = values[place]
        if value is not None and not low <= value <= high:
            _refuse(f"loans.{_NAMES[place]}")
    for place in _DAYS:
        if values[place] is not None:
            values[place] = date.fromisoformat(values[place])
    return Loan(*values)


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
