"""The digest of an enquiry without its subject: what a member tells the entry zone of it, and nothing else.

SHA-256 over, each behind its length as 2 bytes: "huxin/v1/enquiry", purpose, amount in cents, product, consent number,
last day of the consent (YYYY-MM-DD), staff, reference; what is not said is empty. UTF-8, as it is sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from huxin_privacy.derivation import prefixed

LABEL: Final = "huxin/v1/enquiry"


def enquiry_digest(
    *,
    purpose: str,
    consent_no: str,
    consent_until: date,
    staff: str,
    reference: str,
    amount: int | None = None,
    product: str | None = None,
) -> bytes:
    """The 32 bytes of an enquiry; `amount` in cents."""
    cents = "" if amount is None else str(amount)
    words = (LABEL, purpose, cents, product or "", consent_no, consent_until.isoformat(), staff, reference)
    return hashlib.sha256(prefixed(*(word.encode() for word in words))).digest()


def digest_of_body(body: Mapping[str, Any]) -> bytes:
    """The same of what is to be sent to /v1/enquiries; `subject` and `ticket` count for nothing.

    KeyError, ValueError or ArithmeticError for a body that the platform would refuse.
    """
    amount = body.get("amount")
    return enquiry_digest(
        purpose=body["purpose"],
        consent_no=body["consent_no"],
        consent_until=date.fromisoformat(body["consent_until"]),
        staff=body["staff"],
        reference=body["reference"],
        amount=None if amount is None else int(Decimal(str(amount)) * 100),
        product=body.get("product"),
    )
