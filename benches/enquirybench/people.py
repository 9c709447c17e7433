"""Whom the bench asks about: known subjects of the filled book, and one in ten whom nobody knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import psycopg
from benchdata.people import identities

from enquirybench.home import Filled, execute
from huxin.enquiry.subject_keys import Keys, Person
from huxin.registry.schemes import scheme_ids
from huxin.registry.session import connection

SAMPLE = 50_000
_UNKNOWN_EVERY = 10
_SEED = 7


@dataclass(frozen=True)
class Sample:
    """People in the order in which they are asked about; made up, so they may be kept in memory in clear."""

    people: list[Person] = field(repr=False)
    kinds: list[str]


def sample(source: Filled, count: int = SAMPLE) -> Sample:
    """So many people drawn from the book's subjects, the same ones each time, every tenth beyond them."""
    rng = np.random.default_rng(_SEED)
    subjects = source.book.subjects
    numbers = rng.integers(0, subjects, count)
    unknown = np.arange(count) % _UNKNOWN_EVERY == 0
    numbers[unknown] = subjects + rng.permutation(max(subjects, count))[: int(unknown.sum())]
    frame = identities(numbers)
    columns = ("id_type", "id_no", "id_country", "name", "mobile")
    return Sample(
        [Person(*row) for row in frame.select(columns).iter_rows()], frame["borrower_kind"].to_list()
    )


def write_keys(source: Filled, chosen: Sample) -> None:
    """Table bench_person (n from 1 on): the tokens and marks of the sample, for statements without a web server."""
    with connection(source.settings) as database:
        keys = Keys.read(source.settings, partial(scheme_ids, database))
    with psycopg.connect(source.uri) as database_:
        database_.execute("DROP TABLE IF EXISTS bench_person")
        database_.execute(
            "CREATE TABLE bench_person (n integer PRIMARY KEY, tokens uuid[], schemes smallint[], marks uuid[],"
            " mobile_tokens uuid[], mobile_schemes smallint[])"
        )
        with database_.cursor().copy("COPY bench_person FROM STDIN") as copy:
            for number, person in enumerate(chosen.people, 1):
                found = keys.of(person)
                marks = None if found.name_marks is None else [each.hex() for each in found.name_marks]
                copy.write_row((number, *_columns(found.keys), marks, *_columns(found.mobile_keys)))
    # Else the server does it by itself, in the middle of a measurement.
    execute(source.uri, "VACUUM (ANALYZE) bench_person")


def _columns(keys: list[tuple[bytes, int]]) -> tuple[list[str], list[int]]:
    return [token.hex() for token, _ in keys], [scheme for _, scheme in keys]
