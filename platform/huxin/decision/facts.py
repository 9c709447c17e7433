"""What the registry knows of a subject at one moment, as values; read from the JSON that it keeps for replay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import orjson

from huxin.decision.codes import GUARANTEE, POST_LOAN, PRODUCTS, PURPOSES
from huxin.decision.facts_json import (
    count_row,
    exactly,
    loan_row,
    mobile_row,
    moment,
    reservation_row,
    whole_number,
)
from huxin.decision.facts_rows import EnquiryCount, Loan, Mobile, Reservation
from huxin.errors import HuxinError

__all__ = ["Asked", "Coverage", "EnquiryCount", "Facts", "Loan", "Mobile", "Reservation"]

_KEYS: Final = frozenset(
    (
        "today",
        "now",
        "loans",
        "reservations",
        "enquiries",
        "enquirers30",
        "others_recent",
        "mobile",
        "disputes",
    )
)
_RECENT: Final = frozenset(("enquiries", "members"))


@dataclass(slots=True)
class Facts:
    """Everything a decision reads of a subject. `recent_*` are others' within the policy's stacking days."""

    today: date
    now: datetime
    loans: tuple[Loan, ...]
    reservations: tuple[Reservation, ...]
    enquiries: tuple[EnquiryCount, ...]
    enquirers30: int
    recent_enquiries: int
    recent_members: int
    mobile: Mobile | None
    disputes: int

    @classmethod
    def from_json(cls, given: bytes | str | Mapping[str, Any]) -> Facts:
        """HuxinError H1510, which names the place, for any key or type that is not as agreed with the registry."""
        try:
            return _facts(orjson.loads(given) if isinstance(given, bytes | str) else given)
        except (KeyError, TypeError, ValueError, AttributeError):
            # Whatever did not fit: its own text could quote a value.
            raise HuxinError("H1510", place="facts") from None


@dataclass(frozen=True, slots=True)
class Coverage:
    """How complete the picture is: active members, those that reported lately, the oldest of their as-of dates."""

    members: int
    reported: int
    oldest_as_of: date | None = None

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Coverage:
        """From `{"members", "reported", "oldest_as_of"}`; other keys are ignored, so an answer's part will do."""
        oldest = given["oldest_as_of"]
        return cls(
            given["members"], given["reported"], None if oldest is None else date.fromisoformat(oldest)
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """What the member has in mind: product by name, amount in cents, purpose. HuxinError H1512 for anything else."""

    product: str | None = None
    amount: int | None = None
    purpose: str = PURPOSES[0]

    def __post_init__(self) -> None:
        if self.purpose not in PURPOSES:
            raise HuxinError("H1512", what="purpose", allowed=", ".join(PURPOSES))
        if self.product is not None and self.product not in PRODUCTS[1:]:
            raise HuxinError("H1512", what="product", allowed=", ".join(PRODUCTS[1:]))
        if self.amount is not None and self.amount < 0:
            raise HuxinError("H1512", what="amount", allowed=">= 0")

    @property
    def new_loan(self) -> int:
        """1 when a loan to the subject itself would be made."""
        return int(self.purpose not in (GUARANTEE, POST_LOAN))

    @property
    def new_guarantee(self) -> int:
        """1 when the subject would guarantee another's loan."""
        return int(self.purpose == GUARANTEE)


def _facts(raw: Mapping[str, Any]) -> Facts:
    exactly(raw, _KEYS, "facts")
    recent, mobile = raw["others_recent"], raw["mobile"]
    exactly(recent, _RECENT, "others_recent")
    return Facts(
        today=date.fromisoformat(raw["today"]),
        now=moment(raw["now"]),
        loans=tuple([loan_row(row) for row in raw["loans"]]),
        reservations=tuple([reservation_row(row) for row in raw["reservations"]]),
        enquiries=tuple([count_row(row) for row in raw["enquiries"]]),
        enquirers30=whole_number(raw["enquirers30"], "enquirers30"),
        recent_enquiries=whole_number(recent["enquiries"], "others_recent.enquiries"),
        recent_members=whole_number(recent["members"], "others_recent.members"),
        mobile=None if mobile is None else mobile_row(mobile),
        disputes=whole_number(raw["disputes"], "disputes"),
    )
