"""The registry zone's part of the night: rows without people, and the halves of their people, to tokens in its spool.

The stream of a submission is taken whole or not at all; what was taken is loaded by the very step of one process.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import polars as pl
import pyarrow as pa

from huxin import faults
from huxin.contract import BLIND, State, load_contract
from huxin.errors import HuxinError
from huxin.nightly import blind_rows, spool
from huxin.nightly.frames import (
    CELLS,
    END,
    HALVES,
    HEAD,
    LOANS,
    PURPOSES,
    REJECTED,
    Read,
    belongs,
    frames,
    read_table,
)
from huxin.nightly.halves import types
from huxin.nightly.halving import elements_of, halves_of
from huxin.nightly.pseudonymize import Made, Writers, pseudonymized, token_made
from huxin.nightly.registry_rows import RegistryRows
from huxin.nightly.spool import Spool
from huxin.registry import meeting
from huxin.registry.alone import alone
from huxin.registry.key_readers import reading
from huxin.registry.members import find_member
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, add, change, find
from huxin.settings import Settings
from huxin_privacy.blind.sealed import Cells
from huxin_privacy.errors import PrivacyError

# What is said of a submission that the intake zone keeps as its own.
MIRRORED = ("rows", "accepted", "rejected", "warned", "vanished", "codes", "confirmed")
CELL = "cell"  # the one column of the elements of a file without people in it
NAMELESS = "-"  # a file's name may be a person's: it stays in the intake zone


@dataclass
class _Counts:
    """How many pieces of each kind, and rows, have come."""

    rows: int = 0
    kinds: dict[bytes, int] = field(default_factory=lambda: dict.fromkeys(PURPOSES, 0))


def take_over(keys: RegistryRows, submission_id: UUID, attempt: int, read: Read) -> Submission:
    """Takes a submission's stream: afterwards it is `pseudonymized`, or as it was where it had gone further before.

    HuxinError H1718 (malformed), H1719 (cut short), H0701 (no such member), H1720 (the file is on record under
    another id), H0612 (the disk is full); PrivacyError P0151, P0170-P0172.
    """
    settings = keys.settings
    pieces = _opened(keys, submission_id, attempt, frames(read))
    kind, content = next(pieces)
    if kind != HEAD:
        raise HuxinError("H1718")
    with alone(settings, [submission_id]), reading(settings, "takeover") as place:
        place.say(keys.versions)
        item = _begun(settings, submission_id, attempt, _said(content))
        if item.state != State.VALIDATED:
            for _ in pieces:  # taken before: the sender is heard to the end
                pass
            return item
        vault = Spool(settings)
        vault.ready(item.id)
        with vault.trying([item.id], keep=()):
            taken = _spooled_either(keys, vault, item, pieces)
            faults.reach("takeover.spooled")
        with connection(settings) as database:
            change(database, [taken])
        faults.reach("takeover.recorded")
    return taken


def head_json(item: Submission) -> bytes:
    """What the registry zone is told of a submission: neither its file's name nor anything of a row."""
    told = {name: getattr(item, name) for name in _TOLD}
    told |= {name: getattr(item, name).isoformat() for name in ("as_of_date", "received_at")}
    told |= {name: getattr(item, name).hex() for name in ("data_digest", "manifest_digest")}
    told["facts"] = {name: value for name, value in item.facts.items() if name in _FACTS}
    return json.dumps({**told, "member": item.sender}).encode()


_TOLD = (
    "contract",
    "ruleset",
    "sequence",
    "mode",
    "record_count",
    "rows",
    "accepted",
    "rejected",
    "warned",
    "codes",
    "confirmed",
)
_FACTS = ("size", "sum_principal", "sum_balance", "unmatched", "element_key")


def _opened(
    keys: RegistryRows, submission_id: UUID, attempt: int, pieces: Iterator[tuple[bytes, bytes]]
) -> Iterator[tuple[bytes, bytes]]:
    counts = dict.fromkeys(PURPOSES, 0)
    for kind, content in pieces:
        yield kind, keys.opened(kind, belongs(submission_id, attempt, counts[kind]), content)
        counts[kind] += 1


def _said(content: bytes) -> dict[str, Any]:
    try:
        said = json.loads(content)
        _submission(UUID(int=0), 1, 0, said, datetime.now(UTC))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise HuxinError("H1718") from None
    return dict(said)


def _begun(settings: Settings, submission_id: UUID, attempt: int, said: Mapping[str, Any]) -> Submission:
    """The submission on record and ready to be taken, or as it is where it has gone further."""
    with connection(settings) as database:
        before = find(database, submission_id)
        if before and not _open_to(before, attempt):
            return before
        member = find_member(database, str(said["member"]))
        if member is None:
            raise HuxinError("H0701", code=str(said["member"])[:64])
        item = _submission(submission_id, attempt, member.id, said, settings.now())
        if before:
            change(database, [item])
        else:
            add(database, [item])
        if find(database, submission_id) is None:
            raise HuxinError("H1720")
    return item


def _open_to(before: Submission, attempt: int) -> bool:
    """Whether a submission may be taken over (anew): not once it is published, or waits to be by the same attempt."""
    if before.state == State.PSEUDONYMIZED:  # begun anew in the intake zone, for its spool here was lost
        return attempt > before.attempt
    return before.state in (State.VALIDATED, State.REFUSED) and attempt >= before.attempt


def _submission(
    submission_id: UUID, attempt: int, member_id: int, said: Mapping[str, Any], now: datetime
) -> Submission:
    return Submission(
        member_id=member_id,
        id=submission_id,
        state=State.VALIDATED,
        sender=str(said["member"]),
        file=NAMELESS,
        data_digest=bytes.fromhex(said["data_digest"]),
        manifest_digest=bytes.fromhex(said["manifest_digest"]),
        received_at=datetime.fromisoformat(said["received_at"]),
        changed_at=now,
        as_of_date=date.fromisoformat(said["as_of_date"]),
        facts={name: value for name, value in said["facts"].items() if name in _FACTS},
        attempt=attempt,
        **{name: said[name] for name in _TOLD},
    )


def _spooled_either(
    keys: RegistryRows, vault: Spool, item: Submission, pieces: Iterator[tuple[bytes, bytes]]
) -> Submission:
    """The submission with its rows in the spool; one without people in it whose elements do not open is refused."""
    if item.contract != BLIND:
        made = _spooled(keys, vault, item, pieces)
        return token_made(item, made, keys.settings.now())
    try:
        after = _spooled_blind(keys, vault, item, pieces)
    except (PrivacyError, HuxinError) as error:
        after = blind_rows.refused(item, error)
        for _ in pieces:  # the sender is heard to the end
            pass
    return replace(after, changed_at=keys.settings.now())


def _spooled_blind(
    keys: RegistryRows, vault: Spool, item: Submission, pieces: Iterator[tuple[bytes, bytes]]
) -> Submission:
    """As `_spooled` of rows without people. PrivacyError P0167, P0168, P0172; HuxinError H1801, H1802."""
    elements, counts, named = keys.blind(), _Counts(), types()
    key = blind_rows.file_key(elements, item)
    assert elements is not None, "it has opened the key"
    cells, rows = Cells(key), None
    with (
        Writers(vault, {0: item}) as writers,
        vault.frame_writer(item.id, spool.REJECTED) as rejected,
    ):
        for kind, content in pieces:
            counts.kinds[kind] += 1
            if kind == LOANS and rows is None:
                rows = loans_of(content)
            elif kind == CELLS and rows is not None:
                sealed = _only_column(content, CELL, pa.string())[CELL].to_pylist()
                if len(sealed) != rows.height:
                    raise HuxinError("H1718")
                named_rows = rows.select("loan_no", "id_type").iter_rows()
                made = [
                    elements.present(key.epoch, cells.open(loan_no, named[code], cell))
                    for (loan_no, code), cell in zip(named_rows, sealed, strict=True)
                ]
                if made:
                    writers.write(0, *blind_rows.tables_of(rows, made))
                rows = None
            elif kind == REJECTED:
                rejected.write_table(_loan_numbers(content))
            elif kind == END and rows is None:
                _require(json.loads(content), counts, writers.rows, item.accepted)
            else:
                raise HuxinError("H1718")
    return blind_rows.with_elements(item, elements)


def _spooled(
    keys: RegistryRows, vault: Spool, item: Submission, pieces: Iterator[tuple[bytes, bytes]]
) -> list[Made]:
    """Seals tokens and loans of every pair of pieces, and the loan numbers of rejected rows; what made the tokens."""
    counts, made, split = _Counts(), list[Made](), 0
    rows: pl.DataFrame | None = None
    with (
        Writers(vault, {0: item}) as writers,
        vault.frame_writer(item.id, spool.REJECTED) as rejected,
    ):
        for kind, content in pieces:
            counts.kinds[kind] += 1
            if kind == LOANS and rows is None:
                rows = loans_of(content)
            elif kind == HALVES and rows is not None:
                made, more = _tokenized(keys, writers, rows, content, made)
                rows, split = None, split + more
            elif kind == REJECTED:
                rejected.write_table(_loan_numbers(content))
            elif kind == END and rows is None:
                _require(json.loads(content), counts, writers.rows, item.accepted)
            else:
                raise HuxinError("H1718")
    if split:
        meeting.rekey(keys.settings)
    return made


def _tokenized(
    keys: RegistryRows, writers: Writers, rows: pl.DataFrame, content: bytes, before: list[Made]
) -> tuple[list[Made], int]:
    """Writes the tokens of a batch; what made them, and how many people were found to be two subjects.

    HuxinError H1601: the entry zone's keys were exchanged within the stream.
    """
    told, elements, split = halves_of(content), elements_of(content), 0
    if any(len(each.halves.ids) != rows.height for each in told):
        raise HuxinError("H1718")
    made = [keys.tokens(each.suite, each.epoch) for each in told]
    if before and made != before:
        raise HuxinError("H1601")
    if rows.height:
        table, loans = pseudonymized(rows, [each.halves for each in told], made)
        if elements is not None:
            split = keys.met(rows, told, elements, table)
        writers.write(0, table, loans)
    return made, split


def _require(said: Mapping[str, Any], counts: _Counts, rows: int, accepted: int | None) -> None:
    """That everything which was sent has come."""
    came = end_facts(rows, counts.kinds[LOANS], counts.kinds[REJECTED])
    if said != came or rows != accepted:
        raise HuxinError("H1719")


def end_facts(rows: int, batches: int, rejected: int) -> dict[str, int]:
    """What END says."""
    return {"rows": rows, "batches": batches, "rejected": rejected}


def loan_columns() -> list[str]:
    """The columns of rows without people: every field of the contract that is no identifier."""
    return [item.name for item in load_contract().fields if item.kind != "identifier"]


def loans_of(content: bytes) -> pl.DataFrame:
    """Rows as they were sent. HuxinError H1718 where a column is there that should not be, or one is missing."""
    table = read_table(content)
    if table.schema.names != loan_columns():
        raise HuxinError("H1718")
    return pl.DataFrame(pl.from_arrow(table))


def _loan_numbers(content: bytes) -> pa.Table:
    return _only_column(content, "loan_no", pa.string())


def _only_column(content: bytes, name: str, kind: pa.DataType) -> pa.Table:
    table = read_table(content)
    if table.schema.names != [name]:
        raise HuxinError("H1718")
    return table.cast(pa.schema([(name, kind)]))
