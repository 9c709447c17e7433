"""A member's file of loans without the people in it: loan/v1 to loan-tokens/v1, on the member's own machine.

A row keeps what it says of the loan. `id_no` becomes the sealed element (see sealed.Cells); name, mobile and country of
issue are left out. A row whose identifier is faulty keeps its loan number and has no `id_no`: the platform rejects it,
and does not take the loan for one that was paid back. What is wrong with it is told here, for nobody else can see it.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import BinaryIO, Final

from huxin_privacy.blind.asking import Blinder
from huxin_privacy.blind.group import message
from huxin_privacy.blind.sealed import Cells, FileKey
from huxin_privacy.canonical import TYPES, canonical_id

CONTRACT: Final = "loan-tokens/v1"
LEFT_OUT: Final = ("name", "mobile", "id_country")
PORTION: Final = 8_192  # rows worked on at a time

_FULL_WIDTH: Final = {0x3000: " "} | {0xFEE0 + code: chr(code) for code in range(0x21, 0x7F)}
_EDGES: Final = " \t\r\n\u00a0\ufeff\u200b\u2060"
_EMPTY: Final = frozenset({"", "null", "-", "无"})


@dataclass(frozen=True)
class Fault:
    """A row whose identifier cannot be used: its number among the data rows (1 upwards), and the codes of loan/v1."""

    record: int
    codes: tuple[str, ...]


@dataclass
class Tokenized:
    """What became of a file. `element_key` belongs in the manifest, beside `sha256`; `evaluated` were not known."""

    sha256: str = ""
    element_key: str = field(default="", repr=False)
    rows: int = 0
    evaluated: int = 0
    faults: list[Fault] = field(default_factory=list)


def tokenize_file(
    rows: Iterable[Mapping[str, str]],
    target: BinaryIO,
    blinder: Blinder,
    member: str,
    *,
    types: Mapping[str, str] | None = None,
    not_after: date | None = None,
) -> Tokenized:
    """Writes the file of loan-tokens/v1 to `target` as CSV (UTF-8), a portion at a time.

    `rows` are loan/v1 by the machine names of its columns, cells as they were written; all have the columns of the
    first. `types` gives the machine names of identifier types that are written otherwise ("居民身份证"). A birth after
    `not_after` is impossible. What was written is of no use unless this returns: write to a file beside, and rename it.
    PrivacyError P0163 and whatever `blinder` raises.
    """
    key, done, before = FileKey.new(blinder.pinned.oprf.epoch), Tokenized(), blinder.evaluated
    digest, cells, source = hashlib.sha256(), Cells(key), iter(rows)
    head: list[str] = []
    while portion := list(islice(source, PORTION)):
        if not head:
            head = [name for name in portion[0] if name not in LEFT_OUT]
            _put(target, digest, [head])
        made = _portion(portion, done, blinder, cells, _known(types), not_after)
        _put(target, digest, ([row[name] for name in head] for row in made))
    done.sha256, done.evaluated = digest.hexdigest(), blinder.evaluated - before
    done.element_key = key.wrapped(blinder.pinned.registry, member, done.sha256)
    return done


def plain(cell: str) -> str:
    """A cell without its writer's habits, as the platform reads it: reading it so again changes nothing."""
    text = cell.translate(_FULL_WIDTH)
    while (shorter := text.strip(_EDGES).removeprefix("'").strip(_EDGES)) != text:
        text = shorter
    return "" if text.lower() in _EMPTY else text


def _portion(
    rows: Sequence[Mapping[str, str]],
    done: Tokenized,
    blinder: Blinder,
    cells: Cells,
    types: Mapping[str, str],
    not_after: date | None,
) -> Iterator[dict[str, str]]:
    made = [_row(row, done.rows + place, done.faults, types, not_after) for place, row in enumerate(rows, 1)]
    done.rows += len(made)
    wanted = [text for _, text in made if text is not None]
    elements = iter(blinder.elements(wanted))
    for row, text in made:
        element = None if text is None else next(elements)
        row["id_no"] = "" if element is None else cells.seal(row["loan_no"], row["id_type"], element)
        yield row


def _row(
    row: Mapping[str, str], record: int, faults: list[Fault], types: Mapping[str, str], not_after: date | None
) -> tuple[dict[str, str], bytes | None]:
    """The row as it goes out but for `id_no`, and the message that its element is made of; None where there is none."""
    out = dict(row)
    out["loan_no"] = plain(row.get("loan_no", ""))
    written = plain(row.get("id_type", ""))
    out["id_type"] = id_type = types.get(written.lower(), written)
    number = plain(row.get("id_no", ""))
    if id_type not in TYPES or not number or not out["loan_no"]:
        faults.append(Fault(record, ("E1301",) if written and id_type not in TYPES else ("E1001",)))
        return out, None
    canonical = canonical_id(id_type, number, plain(row.get("id_country", "")) or None, not_after=not_after)
    if canonical.text is None:
        faults.append(Fault(record, canonical.faults))
        return out, None
    return out, message(id_type, canonical.text)


def _known(types: Mapping[str, str] | None) -> dict[str, str]:
    return {name: name for name in TYPES} | {text.lower(): name for text, name in (types or {}).items()}


def _put(target: BinaryIO, digest: hashlib._Hash, lines: Iterable[Sequence[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    content = text.getvalue().encode()
    digest.update(content)
    target.write(content)
