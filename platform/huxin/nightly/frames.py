"""What the intake zone sends the registry zone of one submission, as one stream: sealed pieces, each with its kind.

    frame  kind (1 byte) ‖ length (8 bytes, big-endian) ‖ content

    HEAD            once, first   a box from the intake zone: the submission as JSON
    LOANS, HALVES   in pairs      rows without people, in a box; their people's halves, in the entry zone's envelope
    LOANS, CELLS    in pairs      the same of a file without people in it: its sealed elements, in a box
    REJECTED        any           a box: loan numbers of rows that were rejected
    END             once, last    a box: how many rows, batches and rejected tables there were, as JSON

Each is bound to submission, attempt and its number among those of its kind, so that none can be left out, repeated,
exchanged or used in another place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final
from uuid import UUID

import pyarrow as pa

from huxin.errors import HuxinError

HEAD: Final = b"S"
LOANS: Final = b"L"
HALVES: Final = b"H"
CELLS: Final = b"C"
REJECTED: Final = b"R"
END: Final = b"E"
PEOPLE: Final = "people"  # the purpose of what goes to the entry zone
PURPOSES: Final = {
    HEAD: "head",
    LOANS: "loans",
    HALVES: "halves",
    CELLS: "cells",
    REJECTED: "rejected",
    END: "end",
}
BELONGS: Final = "Huxin-Belongs"  # the header in which a body says what it is bound to
LONGEST: Final = 256 << 20  # bytes of one piece
ROWS: Final = 50_000  # of one batch
_LENGTH: Final = 8
_BLOCK: Final = 1 << 20

Read = Callable[[int], bytes]  # up to so many bytes; fewer, or none, at the end


def belongs(submission_id: UUID, attempt: int, number: int) -> bytes:
    """What a piece is bound to."""
    return f"{submission_id}/{attempt}/{number}".encode()


def frame(kind: bytes, content: bytes) -> bytes:
    """One piece as it is sent."""
    return kind + len(content).to_bytes(_LENGTH, "big") + content


def frames(read: Read) -> Iterator[tuple[bytes, bytes]]:
    """The pieces of a stream in their order, up to END. HuxinError H1718 (malformed), H1719 (cut short)."""
    kind = b""
    while kind != END:
        kind = _exactly(read, 1)
        if kind not in PURPOSES:
            raise HuxinError("H1718")
        length = int.from_bytes(_exactly(read, _LENGTH), "big")
        if length > LONGEST:
            raise HuxinError("H1718")
        yield kind, _exactly(read, length)


def table_bytes(table: pa.Table) -> bytes:
    """A table as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())


def read_table(content: bytes) -> pa.Table:
    """What `table_bytes` wrote. HuxinError H1718."""
    try:
        with pa.ipc.open_stream(pa.py_buffer(content)) as stream:
            return stream.read_all()
    except (pa.ArrowInvalid, OSError):
        raise HuxinError("H1718") from None


def _exactly(read: Read, length: int) -> bytes:
    held = bytearray()
    while len(held) < length:
        block = read(min(length - len(held), _BLOCK))
        if not block:
            raise HuxinError("H1719")
        held += block
    return bytes(held)
