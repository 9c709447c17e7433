"""Made-up loan/v1 files from a seed: a night, the night after, a huge file, an inbox of many members."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from benchdata.changes import CHANGES, next_day
from benchdata.columns import Ints, constant, day_number, digits, iso_dates, joined, replaced, take
from benchdata.faults import plant
from benchdata.files import Totals, totals, write_csv, write_manifest, write_parts
from benchdata.loans import loan_columns
from benchdata.people import PEOPLE, identities

__all__ = [
    "COLUMNS",
    "Totals",
    "make",
    "many_small",
    "parts",
    "second_night",
    "totals",
    "write_big",
    "write_csv",
    "write_manifest",
]

COLUMNS = (
    *("loan_no", "contract_no", "id_type", "id_no", "id_country", "name", "mobile", "role", "borrower_kind"),
    *("region", "product", "purpose", "guarantee", "currency", "principal", "balance", "annual_rate"),
    *("disbursed_on", "due_on", "closed_on", "repayment_method", "terms", "terms_left", "next_due_on"),
    *("next_due_amount", "overdue_amount", "overdue_since", "dpd", "max_dpd", "class5", "status"),
    *("special_event", "hardship", "consent_no", "consent_until", "adverse_notice_on", "action"),
)
_EXTRA_PARTIES = 0.06
_SUBJECTS_A_ROW = 0.6
PART = 500_000


def make(
    rows: int,
    seed: int,
    member: str,
    as_of: date,
    faulty: float = 0.01,
    *,
    warned: float = 0.001,
    first_loan: int = 0,
    first_person: int = 0,
    population: int | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tonight's loans of one member, every cell as text, and what is wrong with them: (record, code).

    `faulty` and `warned` are shares of the rows that get one fault each; all other rows pass every check.
    Subjects are drawn from `population` people (default: 0.6 a row, each at least once) from `first_person`
    on; loan numbers count from `first_loan` (below 10**8). The same arguments give the same frame.
    """
    rng = np.random.default_rng(seed)
    extra = int(rows * _EXTRA_PARTIES)
    loans = loan_columns(rng, rows - extra, member, as_of, first_loan)
    owner, second = _party_rows(rng, rows - extra, extra)
    people = first_person + _people(rng, owner, second, population or max(2, int(rows * _SUBJECTS_A_ROW)))
    good = pl.concat(
        [
            _guaranteed(loans, owner[second])[pl.Series(owner)],
            identities(people % PEOPLE),
            _party_columns(rng, second, member, as_of, first_loan),
        ],
        how="horizontal",
    ).select(COLUMNS)
    return plant(good, rng, as_of, int(rows * faulty), int(rows * warned))


def second_night(
    frame: pl.DataFrame, planted: pl.DataFrame, seed: int, as_of: date, changed: float = 0.03
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The file of the day after `as_of`, from what `make` gave for `as_of`; and what changed.

    Of `changed` (a share of the rows) most are payments, some are settled or fall overdue, and one in seven
    is a new loan at the end of the file. The list (record, change) also names rows where max_dpd or class5
    followed the days past due. Faults stay where they were, so `planted` holds for this night too.
    """
    rng = np.random.default_rng(seed)
    day, count = as_of + timedelta(days=1), int(len(frame) * changed)
    new = count // 7
    after, changes = next_day(frame, planted, rng, day, count - new)
    member = frame["loan_no"][0].split("-JJ")[0]
    first_loan = int(frame["loan_no"].str.slice(-8).cast(pl.Int64).to_numpy().max()) + 1
    people = int(len(frame) * _SUBJECTS_A_ROW)
    added, _ = make(
        new,
        seed,
        member,
        day,
        faulty=0,
        warned=0,
        first_loan=first_loan,
        first_person=people * 9 // 10,
        population=people,
    )
    records = pl.Series(range(len(frame) + 1, len(frame) + new + 1), dtype=pl.UInt32)
    listed = pl.DataFrame({"record": records}).with_columns(change=pl.lit("new")).cast(CHANGES)
    return pl.concat([after, added]), pl.concat([changes, listed])


def parts(rows: int, seed: int, member: str, as_of: date, size: int) -> Iterator[pl.DataFrame]:
    """The same kind of night in frames of `size` rows with other loans and other people in each."""
    for number, start in enumerate(range(0, rows, size)):
        people = int(size * _SUBJECTS_A_ROW) * number
        count = min(size, rows - start)
        yield make(count, seed + number, member, as_of, first_loan=start, first_person=people)[0]


def write_big(path: Path, rows: int, seed: int, member: str, as_of: date) -> Totals:
    """Writes one CSV of any number of rows, and its manifest, in bounded memory."""
    whole = write_parts(parts(rows, seed, member, as_of, PART), path)
    write_manifest(path, whole, member, as_of)
    return whole


def many_small(
    root: Path, submissions: int = 1000, rows: int = 1000, *, seed: int = 1, as_of: date = date(2026, 5, 31)
) -> list[str]:
    """Writes an inbox of so many members with one file each, over one population; gives the member codes."""
    members = [f"S{number:04d}" for number in range(1, submissions + 1)]
    population = max(2, int(submissions * rows * _SUBJECTS_A_ROW))
    for number, member in enumerate(members):
        frame, _ = make(rows, seed + number, member, as_of, population=population)
        path = root / member / f"loans_{as_of:%Y%m%d}.csv"
        write_manifest(path, write_csv(frame, path), member, as_of)
    return members


def _party_rows(rng: np.random.Generator, loans: int, extra: int) -> tuple[Ints, np.ndarray]:
    """Which loan each row belongs to, and whether it is the loan's second party."""
    owner = np.sort(np.concatenate([np.arange(loans), rng.choice(loans, extra, replace=False)]))
    return owner, np.concatenate([[False], owner[1:] == owner[:-1]])


def _people(rng: np.random.Generator, owner: Ints, second: np.ndarray, population: int) -> Ints:
    """A person for each row: everybody of the population once if there is room, a loan's parties distinct."""
    people = rng.integers(0, population, len(owner))
    if population <= len(owner):
        people[rng.permutation(len(owner))[:population]] = np.arange(population)
    before = np.roll(people, 1)
    return np.where(second & (people == before), (people + 1) % population, people)


def _guaranteed(loans: pl.DataFrame, with_second_party: Ints) -> pl.DataFrame:
    word = ["guaranteed"] * len(with_second_party)
    return loans.with_columns(replaced(loans["guarantee"], with_second_party.tolist(), word))


def _party_columns(
    rng: np.random.Generator, second: np.ndarray, member: str, as_of: date, first_loan: int
) -> pl.DataFrame:
    rows = len(second)
    number = 2 * first_loan + np.arange(rows, dtype=np.int64)
    until = day_number(as_of + timedelta(days=30)) + rng.integers(0, 900, rows)
    role = np.where(second, np.where(rng.random(rows) < 0.85, 2, 1), 0)
    return pl.DataFrame(
        {
            "role": take(("primary", "co_borrower", "guarantor"), role),
            "consent_no": joined(constant(f"SQ{member}", rows), digits(number, 10)),
            "consent_until": iso_dates(until),
            "action": take(("upsert",), np.zeros(rows, dtype=np.int64)),
        }
    )
