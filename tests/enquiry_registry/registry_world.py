"""What the tests of the enquiry's registry side say in one word: loans, enquiries, reservations."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg

from huxin.ids import id_at
from huxin.registry import enquiries, gathering, reservations
from huxin.registry.connect import libpq_uri
from huxin.registry.enquiries import NewEnquiry, Recorded
from huxin.registry.gathering import Asking, Gathered
from huxin.registry.live import Live
from huxin.registry.reservations import Caps, Changing, Granted, Reserving
from huxin.settings import Settings

LOAN: dict[str, Any] = {
    "as_of_date": date(2026, 5, 31),
    "version": 1,
    "digest": 1,
    "principal": 1_000_000,
    "balance": 800_000,
    "overdue_amount": 0,
    "disbursed_on": date(2026, 1, 10),
    "due_on": date(2027, 1, 10),
    "role": 1,
    "borrower_kind": 1,
    "product": 1,
    "guarantee": 1,
    "repayment_method": 1,
    "class5": 1,
    "status": 1,
    "currency": "CNY",
}


def token() -> bytes:
    return os.urandom(16)


@dataclass
class Desk:
    """A registry as its functions see it; `run` is the owner's connection and bypasses every policy."""

    settings: Settings
    live: Live

    @property
    def now(self) -> datetime:
        return self.settings.now()

    def run(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with psycopg.connect(libpq_uri(self.settings), autocommit=True) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def count(self, table: str, where: str = "true") -> int:
        return int(self.run(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])

    def loan(self, subject: UUID, member: int, loan_no: str, **changed: Any) -> None:
        row = {**LOAN, "subject_id": subject, "member_id": member, "loan_no": loan_no, **changed}
        row |= {"submission_id": uuid4(), "recorded_at": self.now}
        places = ", ".join(["%s"] * len(row))
        self.run(f"INSERT INTO loan ({', '.join(row)}) VALUES ({places})", list(row.values()))

    def asking(self, member: int = 1, *tokens: bytes, **changed: Any) -> Asking:
        keys = [(each, 1) for each in tokens or (token(),)]
        made = Asking(member, "application", keys, self.now, self.settings.today())
        return replace(made, **changed)

    def gather(self, member: int = 1, *tokens: bytes, **changed: Any) -> Gathered:
        return gathering.gather(self.live, self.asking(member, *tokens, **changed))

    def facts(self, member: int, *tokens: bytes, **changed: Any) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.gather(member, *tokens, **changed).facts)
        return found

    def new(self, member: int, subject: UUID, **changed: Any) -> NewEnquiry:
        at = changed.pop("asked_at", self.now)
        id_ = id_at(at)
        made = NewEnquiry(
            id=id_,
            member_id=member,
            subject_id=subject,
            mobile_id=None,
            key=str(id_),
            body_digest=b"\1" * 32,
            purpose="application",
            product=1,
            amount=500_000,
            consent_no="C1",
            consent_until=date(2026, 12, 31),
            staff="S1",
            reference=None,
            policy="2026-01-01",
            tier="full",
            facts=b"{}",
            answer=b"sealed " + id_.bytes,
            asked_at=at,
            outbox_id=id_at(at),
            outbox=json.dumps({"enquiry": str(id_)}),
        )
        return made._replace(**changed)

    def record(self, member: int, subject: UUID, **changed: Any) -> Recorded:
        return enquiries.record(self.live, self.new(member, subject, **changed))

    def reserving(self, member: int, enquiry: UUID, amount: int = 100_000, **changed: Any) -> Reserving:
        id_ = id_at(self.now)
        made = Reserving(
            id=id_,
            member_id=member,
            key=str(id_),
            body_digest=b"\2" * 32,
            enquiry_id=enquiry,
            product=1,
            amount=amount,
            now=self.now,
            expires_at=self.now + timedelta(hours=72),
            asked_since=self.now - timedelta(hours=24),
            caps=Caps(),
            outbox_id=id_at(self.now),
            outbox=json.dumps({"reservation": str(id_)}),
        )
        return replace(made, **changed)

    def reserve(self, member: int, enquiry: UUID, amount: int = 100_000, **changed: Any) -> Granted:
        return reservations.reserve(self.live, self.reserving(member, enquiry, amount, **changed))

    def changing(self, member: int, reservation: UUID, at: datetime | None = None) -> Changing:
        now = at or self.now
        seen = self.run("SELECT changed_at FROM reservation WHERE id = %s", (reservation,))
        return Changing(
            member, reservation, now, seen[0][0] if seen else now, id_at(self.now), '{"reservation": "x"}'
        )

    def asked(self, member: int, tokens: bytes) -> UUID:
        """An enquiry of the member about that token's subject, on record; its id."""
        subject = self.gather(member, tokens).subject_id
        assert subject is not None
        return self.record(member, subject).id
