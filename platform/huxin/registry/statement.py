"""Statements that every enquiry runs: prepared once a connection, their values sent and read in binary by us.

A driver that takes any value for any statement looks at each one anew; of these statements all types are known
beforehand, and what is left is a tenth of the time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from struct import Struct
from typing import Any, Final
from uuid import UUID

_NAME_BYTES: Final = 63
_DAY_ZERO: Final = date(2000, 1, 1).toordinal()
_MOMENT_ZERO: Final = datetime(2000, 1, 1, tzinfo=UTC)
_INT2, _INT4, _INT8 = Struct(">h"), Struct(">i"), Struct(">q")
# Of an array: dimensions, whether there are nulls, the elements' type, how many, the first one's number.
_ARRAY, _NO_ELEMENTS = Struct(">iiIii"), Struct(">iiI")
_UUID_TYPE, _INT2_TYPE, _INT4_TYPE, _BYTES_TYPE = 2950, 21, 23, 17
_ONE_UUID = _ARRAY.pack(1, 0, _UUID_TYPE, 1, 1) + _INT4.pack(16)
_ONE_INT2 = _ARRAY.pack(1, 0, _INT2_TYPE, 1, 1) + _INT4.pack(2)


@dataclass(frozen=True)
class Kind:
    """A type of PostgreSQL: its name, how a value of it is sent, how one is read, and its number among the types, which
    an array of them tells."""

    name: str
    send: Callable[[Any], bytes]
    read: Callable[[bytes], Any] = field(default=bytes)
    number: int = 0


@dataclass(frozen=True)
class Statement:
    """One call of a function: what it takes, and the columns that it gives. `name` is its own on a connection."""

    name: bytes
    text: bytes
    takes: tuple[Callable[[Any], bytes], ...]
    gives: tuple[Callable[[bytes], Any], ...]
    formats: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.name) > _NAME_BYTES:
            raise ValueError("the server would take the name for that of another statement")

    def sent(self, values: Sequence[Any]) -> list[bytes | None]:
        """The values as they are sent; None is null."""
        return [
            None if value is None else send(value) for send, value in zip(self.takes, values, strict=True)
        ]


def calling(function: str, takes: Sequence[Kind], gives: Sequence[tuple[str, Kind]]) -> Statement:
    """The statement that calls a function with values of these kinds for these columns of its result."""
    columns = ", ".join(f"{name}::{kind.name}" for name, kind in gives)
    marks = ", ".join(f"${place}::{kind.name}" for place, kind in enumerate(takes, 1))
    return Statement(
        function.encode(),
        f"SELECT {columns} FROM {function}({marks})".encode(),
        tuple(kind.send for kind in takes),
        tuple(kind.read for _, kind in gives),
        (1,) * len(takes),
    )


_COMBINED: dict[tuple[bytes, ...], Statement] = {}
_MARK: Final = re.compile(rb"\$(\d+)")


def together(statements: Sequence[Statement]) -> Statement:
    """Several calls as one statement, which gives a row of each in their order; all give the same columns.

    It is one transaction, and one round trip: what a call costs by itself is mostly the way to it and back.
    """
    if len(statements) == 1:
        return statements[0]
    names = tuple([each.name for each in statements])
    made = _COMBINED.get(names)
    if made is None:
        made = _COMBINED[names] = _combined(names, statements)
    return made


def _combined(names: tuple[bytes, ...], statements: Sequence[Statement]) -> Statement:
    texts, before = [], 0
    for each in statements:
        texts.append(_moved(each.text, before))
        before += len(each.takes)
    takes = tuple(send for each in statements for send in each.takes)
    # The server tells prepared statements apart by 63 bytes of their names.
    name = b"lot_" + sha256(b"+".join(names)).hexdigest()[:40].encode()
    return Statement(name, b" UNION ALL ".join(texts), takes, statements[0].gives, (1,) * len(takes))


def _moved(text: bytes, by: int) -> bytes:
    """The statement with its places counted on from `by`."""
    return _MARK.sub(lambda mark: b"$%d" % (int(mark[1]) + by), text)


def _sent_uuid(value: UUID | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.bytes


def _read_uuid(data: bytes) -> UUID:
    return UUID(bytes=data)


def _sent_date(value: date) -> bytes:
    return _INT4.pack(value.toordinal() - _DAY_ZERO)


def _read_date(data: bytes) -> date:
    return date.fromordinal(_INT4.unpack(data)[0] + _DAY_ZERO)


def _sent_moment(value: datetime) -> bytes:
    passed = value - _MOMENT_ZERO
    return _INT8.pack((passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds)


def _read_moment(data: bytes) -> datetime:
    return _MOMENT_ZERO + timedelta(microseconds=_INT8.unpack(data)[0])


def _numbers(packed: Struct) -> tuple[Callable[[int], bytes], Callable[[bytes], int]]:
    return packed.pack, lambda data: int(packed.unpack(data)[0])


def _sent_tokens(values: Sequence[bytes]) -> bytes:
    if len(values) == 1:  # nearly always: one pair of epochs
        return _ONE_UUID + values[0]
    return _array(_UUID_TYPE, values)


def _sent_int2s(values: Sequence[int]) -> bytes:
    if len(values) == 1:
        return _ONE_INT2 + _INT2.pack(values[0])
    return _array(_INT2_TYPE, [_INT2.pack(value) for value in values])


def _array(element: int, values: Sequence[bytes]) -> bytes:
    if not values:
        return _NO_ELEMENTS.pack(0, 0, element)
    head = _ARRAY.pack(1, 0, element, len(values), 1)
    return head + b"".join([_INT4.pack(len(value)) + value for value in values])


BOOL: Final = Kind("bool", lambda value: b"\x01" if value else b"\x00", lambda data: data == b"\x01", 16)
INT2: Final = Kind("int2", *_numbers(_INT2), _INT2_TYPE)
INT4: Final = Kind("int4", *_numbers(_INT4), _INT4_TYPE)
INT8: Final = Kind("int8", *_numbers(_INT8), 20)
TEXT: Final = Kind("text", str.encode, bytes.decode, 25)
BYTES: Final = Kind("bytea", bytes, number=_BYTES_TYPE)
UUIDS: Final = Kind("uuid[]", _sent_tokens)
BYTESES: Final = Kind("bytea[]", lambda values: _array(_BYTES_TYPE, values))
INT4S: Final = Kind("int4[]", lambda values: _array(_INT4_TYPE, [_INT4.pack(each) for each in values]))
INT2S: Final = Kind("int2[]", _sent_int2s)
ID: Final = Kind("uuid", _sent_uuid, _read_uuid, _UUID_TYPE)
DAY: Final = Kind("date", _sent_date, _read_date, 1082)
MOMENT: Final = Kind("timestamptz", _sent_moment, _read_moment, 1184)
