"""Rows of the audit log in COPY's binary form, put together by hand: a generic adapter costs thrice as much."""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import Any

import psycopg

from huxin.audit.merkle import Node

COPY_LEAVES = """
    COPY audit_leaf (number, outbox_id, record_id, member_id, topic, recorded_at, data, salt, record)
    FROM STDIN (FORMAT binary)
"""
COPY_NODES = "COPY audit_node (level, index, hash) FROM STDIN (FORMAT binary)"
_BEGIN = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_HEAD = Struct(">hiqi16si16s")  # columns, then number, outbox_id and record_id, each behind its length
_MEMBER = Struct(">ii")
_LENGTH = Struct(">i")
_TAIL = Struct(">i8si32si16si")
_NODE = Struct(">hihiqi32s")


def leaf_row(
    number: int,
    outbox_id: bytes,
    record_id: bytes,
    member_id: int | None,
    topic: bytes,
    recorded_at: bytes,
    data: bytes,
    salt: bytes,
    record: bytes,
) -> bytes:
    """One row of audit_leaf. UUIDs are their 16 bytes, `recorded_at` the 8 bytes of timestamptz_send."""
    return b"".join(
        (
            _HEAD.pack(9, 8, number, 16, outbox_id, 16, record_id),
            _NULL if member_id is None else _MEMBER.pack(4, member_id),
            _LENGTH.pack(len(topic)),
            topic,
            _TAIL.pack(8, recorded_at, 32, data, 16, salt, len(record)),
            record,
        )
    )


def node_row(node: Node) -> bytes:
    """One row of audit_node."""
    level, index, top = node
    return _NODE.pack(3, 2, level, 8, index, 32, top)


def copy_rows(connection: psycopg.Connection[Any], statement: str, rows: Iterable[bytes]) -> None:
    """Runs a COPY with rows made here; one message, for a batch is a few megabytes at most."""
    with connection.cursor().copy(statement) as copying:
        copying.write(b"".join((_BEGIN, *rows, _END)))
