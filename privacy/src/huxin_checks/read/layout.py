"""The header row of a member's file, matched to the contract's fields."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from huxin_checks.contract import Contract
from huxin_checks.read.refused import FileRefused

MAX_COLUMNS = 500
"""More columns than any export of a loan book has; beyond it nothing is matched, so work stays bounded."""

_LISTED, _LENGTH = 10, 40
BLANKS = " \t\r\n\u3000\u00a0\ufeff\u200b"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONG_NUMBER = re.compile(r"\d{5,}")


@dataclass(frozen=True)
class Layout:
    """What a file turned out to be.

    `headers` are the member's own header cells in file order (trailing blank ones dropped); `fields` has
    the contract's field for each, None for a column that is dropped (one that our findings export adds,
    or one without a header). `encoding` is what the file showed up to its header.
    """

    kind: str
    encoding: str
    delimiter: str
    headers: tuple[str, ...]
    fields: tuple[str | None, ...]
    compressed: bool = False


def known_headers(cells: Sequence[str], contract: Contract) -> int:
    """How many of the cells name a field of the contract."""
    return sum(1 for cell in cells[:MAX_COLUMNS] if contract.header(cell))


def match_headers(
    cells: Sequence[str], contract: Contract, line: int
) -> tuple[tuple[str, ...], tuple[str | None, ...]]:
    """`headers` and `fields` of a Layout.

    FileRefused F0004 when no cell names a field (a file without header: its first row must not be quoted),
    F0003 for too many, unknown, doubled or missing columns.
    """
    headers = tuple(_without_tail(cells))
    if len(headers) > MAX_COLUMNS:
        raise FileRefused("too_many_columns", line=line, columns=len(headers))
    if not known_headers(headers, contract):
        raise FileRefused("no_header", line=line)
    named = [contract.header(cell) if cell.strip(BLANKS) else "" for cell in headers]
    _check(headers, named, contract, line)
    return headers, tuple(name or None for name in named)


def _check(headers: Sequence[str], named: Sequence[str | None], contract: Contract, line: int) -> None:
    times = Counter(name for name in named if name)
    faults = {
        "unknown": [cell for cell, name in zip(headers, named, strict=True) if name is None],
        "doubled": [cell for cell, name in zip(headers, named, strict=True) if name and times[name] > 1],
        "missing": [field.zh for field in contract.fields if field.required_column and not times[field.name]],
    }
    facts = {fault: shown(cells) for fault, cells in faults.items() if cells}
    if facts:
        first = next(iter(facts))
        raise FileRefused(f"{first}_column", line=line, headers=facts[first], **facts)


def shown(cells: Sequence[str]) -> tuple[str, ...]:
    """Header texts fit for a report: at most 10, 40 characters each, no control characters, no long numbers.

    Long numbers are masked because a broken file may have data in its header row.
    """
    plain = (_CONTROL.split(cell.strip(BLANKS), maxsplit=1)[0][:_LENGTH] for cell in cells[:_LISTED])
    return tuple(_LONG_NUMBER.sub("#####", text) for text in plain)


def _without_tail(cells: Sequence[str]) -> Sequence[str]:
    width = len(cells)
    while width and not cells[width - 1].strip(BLANKS):
        width -= 1
    return cells[:width]
