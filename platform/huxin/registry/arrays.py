"""Values of several calls sent as arrays, one a parameter: so that one statement is begun for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any, Final

from huxin.registry.statement import Kind

# Of an array: dimensions, whether there are nulls (the server looks itself), the elements' type; then of each dimension
# how many and the first one's number.
_LIST, _TABLE, _LENGTH = Struct(">iiIii"), Struct(">iiIiiii"), Struct(">i")
_NULL: Final = _LENGTH.pack(-1)


def lists(of: Kind) -> Kind:
    """Arrays of values of a kind, one at least; None among them is null."""
    number, send = of.number, of.send
    return Kind(
        f"{of.name}[]", lambda values: _LIST.pack(1, 0, number, len(values), 1) + _elements(send, values)
    )


def tables(of: Kind) -> Kind:
    """Arrays of rows of values, all of one length of one at least; None among the values is null."""
    number, send = of.number, of.send

    def sent(rows: Sequence[Sequence[Any]]) -> bytes:
        head = _TABLE.pack(2, 0, number, len(rows), 1, len(rows[0]), 1)
        return head + _elements(send, [value for row in rows for value in row])

    return Kind(f"{of.name}[]", sent)


def _elements(send: Callable[[Any], bytes], values: Sequence[Any]) -> bytes:
    parts: list[bytes] = []
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            data = send(value)
            parts += (_LENGTH.pack(len(data)), data)
    return b"".join(parts)


def even(rows: Sequence[Sequence[Any] | None]) -> list[Sequence[Any]]:
    """Rows of one length: a shorter one repeats its first value, None and an empty one are nulls.

    For sets that are only asked whether something is among them.
    """
    width = max([1, *[len(row) for row in rows if row]])
    return [
        (None,) * width if not row else row if len(row) == width else [*row, *[row[0]] * (width - len(row))]
        for row in rows
    ]
