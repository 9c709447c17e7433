"""Reading the audit log: the newest checkpoint, a record's receipt, proofs of growth; and erasing a record's salt.

Each look is a call of a function in the database, the only way that the application's role has into the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from huxin.audit.merkle import consistency_spans, inclusion_spans
from huxin.audit.receipts import encoded, make_receipt
from huxin.errors import HuxinError
from huxin.registry.audit_tree import OneConnection, Rows, span_hashes
from huxin.registry.connect import connect, libpq_uri, lost_connection_told
from huxin.settings import Settings

_LATEST = "SELECT size, root, note, signed_at FROM audit_latest()"
_LEAF = """
    SELECT number, salt, record, erased_at, size, note
    FROM audit_leaf_of(%s::uuid, %s::integer, %s::text)
"""


# Mostly it is numbered within a second, and a minute is what is promised.
_NUMBERED_S = 2


@dataclass(frozen=True)
class Head:
    """The newest checkpoint: how many leaves, the root over them, and the note as it was signed."""

    size: int
    root: bytes
    note: str
    signed_at: datetime


def latest_checkpoint(rows: Rows) -> Head | None:
    """The newest checkpoint; None before the first leaf."""
    found = rows.row(_LATEST, ())
    return Head(*found) if found else None


def inclusion(
    rows: Rows, record_id: UUID, *, member_id: int | None = None, topic: str | None = None
) -> dict[str, Any] | None:
    """The receipt of a record under the newest checkpoint; None while it is not in the log.

    `record_id` is an enquiry's, reservation's or submission's number, or that of the outbox row; of several acts
    the last counts. With `member_id` only that member's records are found. HuxinError H1309: it was erased.
    """
    found = rows.row(_LEAF, (record_id, member_id, topic))
    if found is None:
        return None
    number, salt, record, erased_at, size, note = found
    if salt is None:
        raise HuxinError("H1309", day=erased_at.date())
    path = span_hashes(rows, inclusion_spans(number, size))
    return make_receipt(record, bytes(salt), number, path, note)


def not_in_the_log(*, own: bool) -> HuxinError:
    """H1302; where the record is the asker's own it is only not numbered yet, and `retry_s` says to ask again."""
    soon = {"retry_s": _NUMBERED_S} if own else {}
    return HuxinError("H1302", **soon)


def leaf_proof(rows: Rows, number: int) -> dict[str, Any] | None:
    """That a leaf stands in the log of the newest checkpoint, without what it says; None while there is no such leaf.

    {"number", "leaf_hash", "path", "checkpoint"}, hashes in base64.
    """
    head = latest_checkpoint(rows)
    if head is None or not 0 <= number < head.size:
        return None
    leaf, *path = span_hashes(rows, [(number, number + 1), *inclusion_spans(number, head.size)])
    return {
        "number": number,
        "leaf_hash": encoded([leaf])[0],
        "path": encoded(path),
        "checkpoint": head.note,
    }


def consistency(rows: Rows, from_size: int, to_size: int) -> dict[str, Any]:
    """The proof that the log of `to_size` begins with that of `from_size`: {"from", "to", "path"}.

    HuxinError H1310 unless 0 <= from_size <= to_size <= the newest checkpoint's size.
    """
    head = latest_checkpoint(rows)
    newest = head.size if head else 0
    if not 0 <= from_size <= to_size <= newest:
        raise HuxinError("H1310", newest=newest)
    path = span_hashes(rows, consistency_spans(from_size, to_size))
    return {"from": from_size, "to": to_size, "path": encoded(path)}


@contextmanager
def audit_rows(settings: Settings) -> Iterator[Rows]:
    """Rows over a connection of one's own, for commands. HuxinError H0313, H0502."""
    connection = connect(libpq_uri(settings))
    try:
        connection.autocommit = True
        with lost_connection_told():
            yield OneConnection(connection)
    finally:
        connection.close()
