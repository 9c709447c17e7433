"""An operator's questions on record: enquiries of the purpose `operator_check`, under keys that are no member's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

OPERATOR: Final = 0  # whose keys these are: no member may read, replay or reserve on an operator's question
PURPOSE: Final = "operator_check"  # which no window counts

_COPY = """COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)"""
_KEYS = ("member_id", "key", "digest", "enquiry_id", "subject_id")
_KEY_TYPES = ("int4", "text", "bytea", "uuid", "uuid")
_ROWS = (
    "subject_id",
    "id",
    "member_id",
    "asked_at",
    "purpose",
    "product",
    "amount",
    "staff",
    "reference",
    "policy",
    "tier",
    "facts",
    "answer",
)
_ROW_TYPES = (
    *("uuid", "uuid", "int4", "timestamptz", "text", "int2", "int8", "text", "text", "text", "text"),
    *("bytea", "bytea"),
)
_LISTED = ("id", "member_id", "subject_id", "purpose", "staff")
_LISTED_TYPES = ("uuid", "int4", "uuid", "text", "text")


@dataclass(frozen=True)
class CheckRow:
    """One question about a known subject; product is a label code, the amount in cents, facts and answer sealed."""

    id: UUID
    subject_id: UUID
    digest: bytes
    product: int | None
    amount: int | None
    facts: bytes = field(repr=False)
    answer: bytes = field(repr=False)


@dataclass(frozen=True)
class CheckHead:
    """What the questions of one act have in common; `member_id` is on whose behalf they were put."""

    member_id: int
    asked_at: datetime
    staff: str
    reference: str | None
    policy: str
    tier: str


def record_checks(connection: Connection, head: CheckHead, rows: Sequence[CheckRow]) -> None:
    """Writes enquiries, their keys and their places in the directory in the caller's transaction, by COPY."""
    keys = [(OPERATOR, str(row.id), row.digest, row.id, row.subject_id) for row in rows]
    _copy(connection, "enquiry_key", _KEYS, _KEY_TYPES, keys)
    common = head.staff, head.reference, head.policy, head.tier
    whole = [
        (
            *(row.subject_id, row.id, head.member_id, head.asked_at, PURPOSE, row.product, row.amount),
            *common,
            *(row.facts, row.answer),
        )
        for row in rows
    ]
    _copy(connection, "enquiry", _ROWS, _ROW_TYPES, whole)
    listed = [(row.id, head.member_id, row.subject_id, PURPOSE, head.staff) for row in rows]
    _copy(connection, "enquiry_directory", _LISTED, _LISTED_TYPES, listed)


def _copy(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    types: Sequence[str],
    rows: Sequence[tuple[object, ...]],
) -> None:
    if not rows:
        return
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor().copy(_COPY.format(table=table, columns=", ".join(columns))) as target:
        target.set_types(types)
        for row in rows:
            target.write_row(row)
