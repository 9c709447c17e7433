"""Fills a registry with made-up loans as nights would have left them: same columns, same kernels, true keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import NAMESPACE_OID, UUID, uuid5

import numpy as np
import polars as pl
import pyarrow as pa
from generate import PART, make

from huxin.contract import load_contract
from huxin.nightly.columns import business_columns, keys_table, loans_table, with_mobiles
from huxin.nightly.tokenizer import Tokenizer
from huxin.registry import aliases, mobiles
from huxin.registry.blocks import Blocks, blocks
from huxin.registry.bulk import Bulk, bulk
from huxin.registry.session import connection
from huxin.settings import SHANGHAI, Settings
from huxin_checks.cells import parse

SUBJECTS_A_LOAN = 0.6
_SEED = 20_261_123
_REPLACED_EVERY = 4  # of so many loans one is in its second version, the first stands in history
_STRIDE = 7919  # a prime: a subject's loans fall to members far apart


@dataclass(frozen=True)
class Book:
    """What to fill: so many loans over so many members, as of the close of one day."""

    loans: int
    members: int
    as_of: date

    @property
    def subjects(self) -> int:
        """How many people have a loan: the numbers 0 to this, less one, of `benchdata.people`."""
        return sum(people for _, _, people in self.parts())

    def parts(self) -> Iterator[tuple[int, int, int]]:
        """(first loan, loans, people) of each part; another part has other people."""
        for first in range(0, self.loans, PART):
            count = min(PART, self.loans - first)
            yield first, count, max(2, int(count * SUBJECTS_A_LOAN))

    @property
    def recorded_at(self) -> datetime:
        return datetime.combine(self.as_of, time(22), SHANGHAI)


def member_code(number: int) -> str:
    """The code of member 1, 2, …"""
    return f"B{number:04d}"


def submission_of(member: int) -> UUID:
    """The submission that a member's loans came with: the same one in each run."""
    return uuid5(NAMESPACE_OID, f"huxin bench {member}")


def fill(settings: Settings, book: Book, member_ids: list[int]) -> None:
    """Writes alias, loan, loan_key and mobiles of the book, for members that are there, in one transaction.

    Rows come part by part in the order of their members, as submissions do: a subject's loans lie apart.
    """
    tokenizer = Tokenizer(settings)
    with connection(settings) as database:
        schemes = tokenizer.schemes(database), tokenizer.mobile_scheme(database)
    ids = np.array(member_ids, np.int32)
    with bulk(settings) as session:
        aliases.open_tables(session)
        mobiles.open_tables(session)
        people = 0
        for part in book.parts():
            _fill_part(session, book, part, people, ids, tokenizer, schemes)
            people += part[2]
        session.commit()


def _fill_part(
    session: Bulk,
    book: Book,
    part: tuple[int, int, int],
    first_person: int,
    ids: np.ndarray,
    tokenizer: Tokenizer,
    schemes: tuple[dict[int, int], int],
) -> None:
    rows, members = part_rows(book, part, first_person)
    types = rows["id_type"].to_numpy()
    made = tokenizer.halves(types, rows["id_canonical"].to_arrow())
    tokens = tokenizer.tokens(types, made)
    numbers = np.array([schemes[0].get(code, 0) for code in range(256)], np.int16)[types]
    claiming = np.ones(len(rows), np.bool_)
    known_as = aliases.keyed(tokens, numbers)
    subjects = aliases.ids_of(
        session, aliases.SUBJECTS, known_as, claiming, book.recorded_at, contended=False
    )
    aliases.claim(session, aliases.SUBJECTS, subjects.unwritten, book.recorded_at)
    marks = tokenizer.name_marks(made, rows["name_canonical"].to_arrow())
    loans = loans_table(rows, business_columns(rows), marks, np.ones(len(rows), np.bool_))
    called = tokenizer.mobiles(made, rows["mobile_canonical"].to_arrow())
    keys = with_mobiles(keys_table(rows, loans, tokens, numbers), called, schemes[1])
    calling = aliases.keyed(called.tokens, np.full(len(rows), schemes[1], np.int16))
    given = mobiles.given(calling, subjects.ids)
    mobiles.pair(session, given, book.recorded_at, contended=False)
    session.copy("loan", loan_rows(loans, subjects.ids, ids[members], members, book))
    session.copy("loan_key", _key_rows(keys, subjects.ids, ids[members], loans))


def part_rows(book: Book, part: tuple[int, int, int], first_person: int) -> tuple[pl.DataFrame, np.ndarray]:
    """The parsed rows of one part and the place (0 = the first) of each one's member, in the order of members."""
    first, count, people = part
    raw, _ = make(
        count,
        _SEED + first,
        member_code(0),
        book.as_of,
        0,
        warned=0,
        first_loan=first,
        first_person=first_person,
        population=people,
    )
    index = raw["loan_no"].str.slice(-8).cast(pl.Int64).to_numpy()
    members = index * _STRIDE % book.members
    code = pl.Series([member_code(place + 1) for place in range(book.members)]).gather(members)
    order = np.argsort(members, kind="stable")
    named = raw.with_columns(loan_no=code + pl.col("loan_no").str.slice(len(member_code(0))))
    day = pl.lit(book.as_of).alias("_as_of")
    return parse(named[order].with_columns(day), load_contract()), members[order]


def loan_rows(
    loans: pa.Table, subjects: Blocks, member_ids: np.ndarray, members: np.ndarray, book: Book
) -> pa.Table:
    """Rows of `loan`: what was said, and by whom, when, about which subject, as which version."""
    count = loans.num_rows
    marks = np.array([list(submission_of(place + 1).bytes) for place in range(book.members)], np.uint8)
    return pa.table(
        {
            "subject_id": blocks(subjects),
            "member_id": pa.array(member_ids),
            "submission_id": blocks(marks[members]),
            "recorded_at": pa.repeat(pa.scalar(book.recorded_at, pa.timestamp("us", tz="UTC")), count),
            "as_of_date": pa.repeat(pa.scalar(book.as_of, pa.date32()), count),
            "version": _versions(loans),
            **dict(zip(loans.column_names, loans.columns, strict=True)),
        }
    )


def _versions(loans: pa.Table) -> pa.Array:
    """2 where an older version stands in history, otherwise 1."""
    digest = loans["digest"].to_numpy().view(np.uint64)
    return pa.array((digest % np.uint64(_REPLACED_EVERY) == 0).astype(np.int32) + 1)


def _key_rows(keys: pa.Table, subjects: Blocks, member_ids: np.ndarray, loans: pa.Table) -> pa.Table:
    rows = {name: keys[name] for name in ("loan_no", "digest", "max_dpd", "role", "open", "mobile_mark")}
    return pa.table(
        {
            "member_id": pa.array(member_ids),
            "subject_id": blocks(subjects),
            "version": _versions(loans),
            **rows,
        }
    )
