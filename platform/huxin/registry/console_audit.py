"""What the console shows of the audit log: leaves from the newest down, one leaf with its proof."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from huxin.registry.audit_log import leaf_proof
from huxin.registry.audit_tree import OneConnection, Rows

MANY = "enquiry.answered"  # the one topic that the index of acts leaves out
_COLUMNS = "l.number, l.topic, m.code AS member, l.recorded_at, l.record, l.erased_at"
_FROM = f"SELECT {_COLUMNS} FROM audit_leaf l LEFT JOIN member m ON m.id = l.member_id"
_ANY = text(f"""
    {_FROM} WHERE (CAST(:before AS bigint) IS NULL OR l.number < :before) ORDER BY l.number DESC LIMIT :most
""")
_MANY = text(f"""
    {_FROM} WHERE l.topic = '{MANY}' AND (CAST(:before AS bigint) IS NULL OR l.number < :before)
    ORDER BY l.number DESC LIMIT :most
""")
_ACTS = text(f"""
    {_FROM} WHERE l.topic = :topic AND l.topic <> '{MANY}' AND (CAST(:before AS bigint) IS NULL OR l.number < :before)
    ORDER BY l.number DESC LIMIT :most
""")
_ONE = text(f"""
    SELECT {_COLUMNS}, l.salt FROM audit_leaf l LEFT JOIN member m ON m.id = l.member_id WHERE l.number = :number
""")
_NUMBER = text("""
    SELECT number FROM (
        SELECT l.number FROM audit_leaf l WHERE l.record_id = :id
        UNION ALL SELECT l.number FROM audit_leaf l WHERE l.outbox_id = :id) found ORDER BY number DESC LIMIT 1
""")


@dataclass(frozen=True)
class Leaf:
    """A line of the log; `record` is None once it was erased, `member` a code where it is a member's."""

    number: int
    topic: str
    member: str | None
    recorded_at: datetime
    record: str | None = field(repr=False)
    erased_at: datetime | None


def leaves(database: Connection, topic: str | None, before: int | None, most: int) -> list[Leaf]:
    """The newest leaves below a number, of one topic or of any."""
    statement = _ANY if topic is None else _MANY if topic == MANY else _ACTS
    values = {"before": before, "most": most} | ({"topic": topic} if statement is _ACTS else {})
    return [Leaf(*row) for row in database.execute(statement, values)]


def leaf_with_proof(database: Connection, number: int) -> tuple[Leaf, dict[str, Any]] | None:
    """A leaf and what proves it under the newest checkpoint: {"number", "leaf_hash", "path", "checkpoint", "salt"
    (hex), "record"}; the last two are None where it was erased. None where there is no such leaf."""
    row = database.execute(_ONE, {"number": number}).one_or_none()
    proof = leaf_proof(rows_of(database), number) if row else None
    if row is None or proof is None:
        return None
    *values, salt = row
    leaf = Leaf(*values)
    kept = None if salt is None else bytes(salt).hex()
    return leaf, {**proof, "salt": kept, "record": leaf.record}


def number_of(database: Connection, id_: UUID) -> int | None:
    """The newest leaf of an enquiry, a reservation, a submission or an act."""
    found: int | None = database.execute(_NUMBER, {"id": id_}).scalar()
    return found


def rows_of(database: Connection) -> Rows:
    """The log's reader on this very transaction."""
    opened: Any = database.connection.driver_connection
    return OneConnection(opened)
