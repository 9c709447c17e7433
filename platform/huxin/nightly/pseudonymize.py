"""The pseudonymize step: identifiers become tokens, the columns that held them are dropped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from huxin import faults
from huxin.contract import BLIND, State
from huxin.errors import HuxinError
from huxin.nightly import spool
from huxin.nightly.batching import gathered, joined_batches, runs, sizes, weight
from huxin.nightly.beside import errands
from huxin.nightly.columns import (
    business_columns,
    keys_table,
    loans_table,
    with_earlier,
    with_earlier_mobiles,
    with_mobiles,
)
from huxin.nightly.halves import Halves
from huxin.nightly.lanes import in_lanes
from huxin.nightly.meeting import Meeting
from huxin.nightly.spool import Spool
from huxin.nightly.stage_writer import StageWriter
from huxin.nightly.timings import Timings
from huxin.nightly.tokenizer import RowTokens, Tokenizer
from huxin.nightly.turning import EARLIER, KEYS
from huxin.registry.alone import alone
from huxin.registry.key_readers import reading
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, change, find_all
from huxin.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class Made:
    """What tokens are made with, and the numbers of their schemes: by label code of id_type, and the mobile's."""

    tokens: RowTokens
    by_type: dict[int, int]
    mobile: int

    @classmethod
    def by(cls, tokens: RowTokens, database: Connection) -> Made:
        return cls(tokens, tokens.schemes(database), tokens.mobile_scheme(database))

    def schemes(self, types: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
        """The scheme's number of each row."""
        return np.array([self.by_type.get(code, 0) for code in range(256)], np.int16)[types]


def pseudonymize_group(settings: Settings, ids: Sequence[UUID], timings: Timings | None = None) -> None:
    """Makes tokens for the validated submissions among `ids`; those in another state, or blind, are left alone.

    Afterwards the spool of each holds `keys` (loan numbers, tokens, digests) and `loans` (what the member says,
    without identifiers), row by row in step, and the rows with identifiers are gone.
    """
    with alone(settings, ids):
        _pseudonymize(settings, ids, timings or Timings())


def _pseudonymize(settings: Settings, ids: Sequence[UUID], timer: Timings) -> None:
    with reading(settings, "pseudonymize") as place:
        tokenizer = Tokenizer(settings)
        place.say(tokenizer.rings.versions)
        meeting = Meeting.of(settings, tokenizer.rings)
        _make_tokens(settings, ids, timer, [tokenizer, *tokenizer.earlier()], meeting)
        if meeting:
            meeting.settle()


def _make_tokens(
    settings: Settings,
    ids: Sequence[UUID],
    timer: Timings,
    tokenizers: Sequence[Tokenizer],
    meeting: Meeting | None,
) -> None:
    with connection(settings) as database:
        found = find_all(database, ids)
        todo = [item for item in found if item.state == State.VALIDATED and item.contract != BLIND]
        made = [Made.by(each, database) for each in tokenizers]
    vault = Spool(settings)
    numbered = dict(enumerate(todo))
    with vault.trying((item.id for item in todo), keep=spool.AFTER_VALIDATION):
        with (
            timer.stage("pseudonymize"),
            Writers(vault, numbered) as writers,
            errands() as of_keys,
            errands() as of_loans,
        ):
            size = sizes(todo)
            pieces = in_lanes(list(numbered), partial(good_pieces, vault, numbered), size.ahead, weight)
            for batch in gathered(pieces, size.batch):
                rows = joined_batches(batch)
                halves = [each.halver.of(rows) for each in tokenizers]
                keys, loans = pseudonymized(rows, halves, made)
                if meeting:
                    meeting.bring(rows, keys)
                parts = list(runs(rows))
                of_keys.follow(partial(writers.keys.write_all, parts, keys))
                of_loans.follow(partial(writers.loans.write_all, parts, loans))
                writers.rows += rows.height
            of_keys.wait()
            of_loans.wait()
            if writers.rows != sum(item.accepted or 0 for item in todo):
                raise HuxinError("H0613")
        faults.reach("pseudonymize.spooled")
    with connection(settings) as database:
        change(database, [token_made(item, made, settings.now()) for item in todo])
    faults.reach("pseudonymize.recorded")
    for item in todo:
        vault.forget(item.id, keep=spool.AFTER_TOKENS)


def good_pieces(
    vault: Spool, numbered: dict[int, Submission], sub: int
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The good rows of a submission, less those that a set check rejected."""
    item = numbered[sub]
    dropped = [batch.column("_record").to_numpy() for batch in vault.read_batches(item.id, spool.DROPPED)]
    batches = vault.read_batches(item.id, spool.ROWS)
    for batch in _without(np.concatenate(dropped), batches, vault, item) if dropped else batches:
        if batch.num_rows:
            yield sub, batch


def _without(
    dropped: npt.NDArray[np.uint32], batches: Iterator[pa.RecordBatch], vault: Spool, item: Submission
) -> Iterator[pa.RecordBatch]:
    """The rows less the dropped records, whose loan numbers are noted as they come.

    Gathered until the end, each of these few would keep the whole batch that it is a view of.
    """
    with vault.frame_writer(item.id, spool.REJECTED_SET) as loan_nos:
        for batch in batches:
            out = np.isin(batch["_record"].to_numpy(), dropped)
            loan_nos.write_table(pa.Table.from_batches([batch.select(["loan_no"]).filter(pa.array(out))]))
            yield batch.filter(pa.array(~out))


def token_made(item: Submission, made: Sequence[Made], now: datetime) -> Submission:
    """A submission whose tokens are made, with the epochs of the keys that they hang on until it is loaded."""
    present, *earlier = (each.tokens.generation for each in made)
    facts = {name: value for name, value in item.facts.items() if name not in (KEYS, EARLIER)}
    facts[KEYS] = [present.entry_epoch, present.registry_epoch]
    if earlier:
        facts[EARLIER] = [each.entry_epoch for each in earlier]
    return replace(item, state=State.PSEUDONYMIZED, facts=facts, changed_at=now)


def pseudonymized(
    rows: pl.DataFrame, halves: Sequence[Halves], made: Sequence[Made]
) -> tuple[pa.Table, pa.Table]:
    """The tables `keys` and `loans` of rows, of whose people only the halves are needed.

    `halves` and `made` are of the active entry key first, then of earlier ones that something may hang on.
    """
    types = rows["id_type"].to_numpy()
    (own, *earlier), (present, *others) = halves, made
    tokens = present.tokens
    loans = loans_table(rows, business_columns(rows), tokens.marks(own.names), own.named)
    keys = keys_table(rows, loans, tokens.tokens(types, own.ids), present.schemes(types))
    keys = with_mobiles(keys, tokens.called(own), present.mobile)
    for number, (theirs, each) in enumerate(zip(earlier, others, strict=True), 1):
        found = each.tokens.tokens(types, theirs.ids)
        keys = with_earlier(keys, number, found, each.schemes(types), each.tokens.marks(theirs.names))
        keys = with_earlier_mobiles(keys, number, each.tokens.called(theirs), each.mobile)
    return keys, loans


class Writers:
    """The `keys` and `loans` writers of one submission after another, each of which one thread may use."""

    def __init__(self, vault: Spool, numbered: dict[int, Submission]) -> None:
        self.keys = StageWriter(vault, numbered, spool.KEYS)
        self.loans = StageWriter(vault, numbered, spool.LOANS)
        self.rows = 0

    def __enter__(self) -> Writers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stack = ExitStack()  # both, whatever befalls the first
        for writer in (self.keys, self.loans):
            stack.push(writer)
        stack.__exit__(kind, error, trace)

    def write(self, sub: int, keys: pa.Table, loans: pa.Table) -> None:
        """Seals rows of one submission, in step."""
        self.rows += keys.num_rows
        self.keys.write(sub, keys)
        self.loans.write(sub, loans)
