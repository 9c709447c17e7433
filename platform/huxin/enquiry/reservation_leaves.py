"""What is told of a reservation, and the leaf that keeps an act of it: so made that the answer can be proved by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from huxin.audit.records import make_record, make_salt, moment_text
from huxin.decision.codes import PRODUCTS
from huxin.enquiry.request import Asker
from huxin.registry.reservations import Reservation, Reserving, State
from huxin_privacy.promises import UNRECORDED


@dataclass(frozen=True)
class Leaf:
    """What is to be logged of an act of `at`; `outbox` is the row's JSON."""

    record: str = field(repr=False)
    salt: bytes = field(repr=False)
    at: datetime
    outbox: str = field(repr=False)


def granting_leaf(asker: Asker, asked: Reserving) -> Leaf:
    """What keeps what is promised: how much, of what, until when. Not on which enquiry: no leaf joins two records of a
    person."""
    said = {
        "amount": asked.amount,
        "product": None if asked.product is None else PRODUCTS[asked.product],
        "expires_at": moment_text(asked.expires_at),
    }
    granted, now = State.GRANTED, asked.now
    after = Reservation(
        *(asked.id, asked.enquiry_id, granted, asked.product, asked.amount, now, asked.expires_at, now),
        *(None, None),
    )
    return leaf_after(asker, after, "granted", **said)


def leaf_after(asker: Asker, after: Reservation, act: str, **said: Any) -> Leaf:
    """The leaf of an act after which it stands so, and the outbox row's body that brings it."""
    now, digest = after.changed_at, sha256(_recorded(as_told(after))).hexdigest()
    facts = {"reservation": str(after.id), "member": asker.code, **said, "answer_sha256": digest}
    record, salt = make_record(f"reservation.{act}", now, facts), make_salt()
    leaf = {"salt": salt.hex(), "record": record}
    body = {"record_id": str(after.id), "member": asker.member_id, "leaf": leaf}
    return Leaf(record, salt, now, orjson.dumps(body).decode())


def _recorded(told: Mapping[str, Any]) -> bytes:
    """What of an answer its leaf keeps the digest of; huxin_privacy.promises says why not the rest."""
    kept = {name: value for name, value in told.items() if name not in UNRECORDED}
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)


def as_told(found: Reservation) -> dict[str, Any]:
    """A reservation as its member is told it, but for the promise."""
    return {
        "reservation_id": str(found.id),
        "enquiry_id": str(found.enquiry_id),
        "state": State(found.state).name.lower(),
        "amount": f"{found.amount // 100}.{found.amount % 100:02d}",
        "granted_at": moment_text(found.granted_at),
        "expires_at": moment_text(found.expires_at),
        "changed_at": moment_text(found.changed_at),
        "loan_no": found.loan_no,
        "contract_no": found.contract_no,
    }
