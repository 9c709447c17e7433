"""The registry zone's part of the night: rows without people, and the halves of their people, to tokens in its spool.

The stream of a submission is taken whole or not at all; what was taken is loaded by the very step of one process.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import polars as pl
import pyarrow as pa

from huxin import faults
from huxin.contract import State, load_contract
from huxin.errors import HuxinError
from huxin.nightly import spool
from huxin.nightly.frames import (
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
from huxin.nightly.halving import OfEpoch, halves_of
from huxin.nightly.pseudonymize import Made, Writers, pseudonymized, token_made
from huxin.nightly.spool import Spool
from huxin.nightly.tokenizer import RowTokens
from huxin.registry.alone import alone
from huxin.registry.key_readers import reading
from huxin.registry.members import find_member
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, add, change, find
from huxin.settings import Settings
from huxin.zones.layout import required
from huxin.zones.roles import ENTRY, REGISTRY
from huxin.zones.secrets import receiving
from huxin_privacy import keyring
from huxin_privacy.envelope import open_box, open_envelope
from huxin_privacy.suites import get_suite

# What is said of a submission that the intake zone keeps as its own.
MIRRORED = ("rows", "accepted", "rejected", "warned", "vanished", "codes", "confirmed")
NAMELESS = "-"  # a file's name may be a person's: it stays in the intake zone


class RegistryRows:
    """The registry zone's keys as they were when the keyrings were read. Its repr shows none."""

    def __init__(self, settings: Settings) -> None:
        """HuxinError H1708, H1709 (not the registry zone), H1706 (no card of the entry zone)."""
        self.settings = settings
        self._entry = required(settings, REGISTRY).card(ENTRY).sign
        self._secrets = receiving(settings, REGISTRY)
        self._ring = keyring.open(settings.keys_dir, REGISTRY)
        self.versions = {self._ring.zone: self._ring.version}
        self._tokens: dict[tuple[str, int], Made] = {}

    def opened(self, kind: bytes, bound: bytes, content: bytes) -> bytes:
        """A piece's content. PrivacyError P0151, P0170-P0172."""
        if kind == HALVES:
            return open_envelope(self._entry, self._secrets, PURPOSES[kind], bound, content)
        return open_box(self._secrets, PURPOSES[kind], bound, content)

    def tokens(self, suite: str, epoch: int) -> Made:
        """What makes tokens of halves of that suite and entry epoch. PrivacyError P0101."""
        if (suite, epoch) not in self._tokens:
            tokens = RowTokens(self._ring, get_suite(suite), epoch)
            with connection(self.settings) as database:
                self._tokens[suite, epoch] = Made.by(tokens, database)
        return self._tokens[suite, epoch]


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
            made = _spooled(keys, vault, item, pieces)
            faults.reach("takeover.spooled")
        taken = token_made(item, made, settings.now())
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
_FACTS = ("size", "sum_principal", "sum_balance", "unmatched")


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


def _spooled(
    keys: RegistryRows, vault: Spool, item: Submission, pieces: Iterator[tuple[bytes, bytes]]
) -> list[Made]:
    """Seals tokens and loans of every pair of pieces, and the loan numbers of rejected rows; what made the tokens."""
    counts, made = _Counts(), list[Made]()
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
                made = _tokenized(keys, writers, rows, halves_of(content), made)
                rows = None
            elif kind == REJECTED:
                rejected.write_table(_loan_numbers(content))
            elif kind == END and rows is None:
                _require(json.loads(content), counts, writers.rows, item.accepted)
            else:
                raise HuxinError("H1718")
    return made


def _tokenized(
    keys: RegistryRows, writers: Writers, rows: pl.DataFrame, told: Sequence[OfEpoch], before: list[Made]
) -> list[Made]:
    """Writes the tokens of a batch. HuxinError H1601: the entry zone's keys were exchanged within the stream."""
    if any(len(each.halves.ids) != rows.height for each in told):
        raise HuxinError("H1718")
    made = [keys.tokens(each.suite, each.epoch) for each in told]
    if before and made != before:
        raise HuxinError("H1601")
    if rows.height:
        writers.write(0, *pseudonymized(rows, [each.halves for each in told], made))
    return made


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
    table = read_table(content)
    if table.schema.names != ["loan_no"]:
        raise HuxinError("H1718")
    return table.cast(pa.schema([("loan_no", pa.string())]))
