"""One enquiry as a member sends it, and what must hold of it before anything is looked up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import orjson

from huxin.enquiry.subject_keys import Person
from huxin.errors import HuxinError

APPLICATION: Final = "application"
GUARANTEE: Final = "guarantee"
POST_LOAN: Final = "post_loan"
PURPOSES: Final = (APPLICATION, GUARANTEE, POST_LOAN)


@dataclass(frozen=True)
class EnquiryRequest:
    """A question about one subject with its purpose and consent (征信业管理条例 Art 18, 20, 22). Amount in cents."""

    person: Person
    purpose: str
    consent_no: str
    consent_until: date
    staff: str
    reference: str
    amount: int | None = None
    product: str | None = None

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
        parts = [
            person.id_type,
            person.id_no,
            person.id_country,
            person.name,
            person.mobile,
            self.purpose,
            self.amount,
            self.product,
            self.consent_no,
            self.consent_until.isoformat(),
            self.staff,
            self.reference,
        ]
        return orjson.dumps(parts)


@dataclass(frozen=True)
class Asker:
    """The member on whose behalf a question is put."""

    member_id: int
    code: str
