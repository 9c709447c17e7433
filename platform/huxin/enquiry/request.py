"""One enquiry as a member sends it, and what must hold of it before anything is looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import orjson

from huxin.enquiry.subject_keys import Person
from huxin.errors import HuxinError
from huxin_privacy.enquiry_digest import enquiry_digest

APPLICATION: Final = "application"
GUARANTEE: Final = "guarantee"
POST_LOAN: Final = "post_loan"
PURPOSES: Final = (APPLICATION, GUARANTEE, POST_LOAN)


@dataclass(frozen=True)
class EnquiryRequest:
    """A question about one subject with its purpose and consent (征信业管理条例 Art 18, 20, 22). Amount in cents.

    Where the platform is split into zones there is a ticket in the person's place.
    """

    person: Person | None
    purpose: str
    consent_no: str
    consent_until: date
    staff: str
    reference: str
    amount: int | None = None
    product: str | None = None
    ticket: str | None = field(default=None, repr=False)

    def require_consent(self, today: date) -> None:
        """HuxinError H1201 when the consent has ended before `today`."""
        if self.consent_until < today:
            raise HuxinError("H1201", until=self.consent_until.isoformat())

    def own_words(self) -> dict[str, str]:
        """What is kept as it was said, by field."""
        return {"consent_no": self.consent_no, "staff": self.staff, "reference": self.reference}

    def canonical(self) -> bytes:
        """The same bytes for the same question, however its JSON was written. Holds the identifier: digest it."""
        person = self.person
        assert person is not None, "a ticket's holder is known by halves"
        whom = (person.id_type, person.id_no, person.id_country, person.name, person.mobile)
        element = () if person.element is None else (person.element[0], person.element[1].hex())
        return orjson.dumps([*whom, *self._rest(), *element])

    def bodies(self) -> tuple[bytes, ...]:
        """The canonical form, before any that it may have had under other keys; none of a ticket's holder."""
        return () if self.person is None else (self.canonical(),)

    def canonical_of(self, halves: Sequence[str | int | None]) -> bytes:
        """The same with a person's halves in the person's place."""
        return orjson.dumps([*halves, *self._rest()])

    def digest(self) -> bytes:
        """What a ticket is bound to, or a sealed element."""
        return enquiry_digest(
            purpose=self.purpose,
            consent_no=self.consent_no,
            consent_until=self.consent_until,
            staff=self.staff,
            reference=self.reference,
            amount=self.amount,
            product=self.product,
        )

    def _rest(self) -> list[str | int | None]:
        return [
            self.purpose,
            self.amount,
            self.product,
            self.consent_no,
            self.consent_until.isoformat(),
            self.staff,
            self.reference,
        ]


@dataclass(frozen=True)
class Asker:
    """The member on whose behalf a question is put."""

    member_id: int
    code: str
