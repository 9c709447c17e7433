"""Name marks re-encrypted where they lie, with the digests that they are part of: of loans, and of their history.

Nothing else of a loan is touched: no version, no moment, no history. A member is passed over while a load or a
withdrawal holds it, and holds those off for one batch, so no row is copied from place to place meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import sleep
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huxin import faults
from huxin.registry.blocks import Blocks, blocks, from_column
from huxin.registry.bulk import Bulk, bulk
from huxin.registry.rekeying import array
from huxin.registry.schemes import FIRST, Scheme
from huxin.settings import Settings

PAGES: Final = 4_000  # of the heap, in one batch: a hundred thousand rows
_PATIENCE: Final = 0.2  # seconds, where all that is left is held by loads
_TABLES: Final = """
    SELECT c.relname FROM pg_class c WHERE c.oid = 'loan'::regclass
    UNION ALL SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'loan_history'::regclass ORDER BY 1
"""
# Nobody's load is waited for: what is held is left for the next pass.
_FREE: Final = "SELECT id FROM member ORDER BY id FOR UPDATE SKIP LOCKED"

Digests = npt.NDArray[np.int64]


@dataclass(frozen=True)
class MarkTurn:
    """Where the marks of a scheme go: its number, and what turns marks (n, 16) and their rows' digests (n)."""

    scheme: int
    turned: Callable[[Blocks, Digests], tuple[Blocks, Digests]] = field(repr=False)


Turns = Mapping[int, MarkTurn]


def mark_filter(numbers: Mapping[Scheme, int], schemes: list[int]) -> str:
    """SQL that is true of a row whose name mark is of one of these schemes; one that names none is of the first."""
    among = f"mark_scheme = ANY({array(schemes)})"
    if numbers.get(FIRST) in schemes:
        among = f"({among} OR mark_scheme IS NULL)"
    return f"name_mark IS NOT NULL AND {among}"


def count(session: Bulk, wanted: str, history: bool = True) -> int:
    """How many rows of loans, and of their history, bear such a mark."""
    tables = ("loan", "loan_history") if history else ("loan",)
    parts = " + ".join(f"(SELECT count(*) FROM {table} WHERE {wanted})" for table in tables)
    ((found,),) = session.rows(f"SELECT {parts}")
    return int(found)


def remark(
    settings: Settings,
    numbers: Mapping[Scheme, int],
    turns: Turns,
    tell: Callable[[int], None],
    pages: int = PAGES,
) -> int:
    """Turns every mark under one of the schemes of `turns`; `tell` gets the rows of each batch. Returns how many.

    The schemes are closed and everybody knows it, so no new row bears such a mark.
    """
    wanted, total = mark_filter(numbers, list(turns)), 0
    with bulk(settings) as session:
        session.run(
            "CREATE TEMPORARY TABLE moving (n integer, place tid, member_id integer, loan_no text, subject_id uuid, "
            "digest bigint, mark uuid, scheme smallint) ON COMMIT DELETE ROWS",
            "CREATE TEMPORARY TABLE turned (n integer, mark uuid, scheme smallint, digest bigint) "
            "ON COMMIT DELETE ROWS",
        )
        session.commit()
        while True:
            moved = sum(_batches(session, numbers, wanted, turns, tell, pages))
            total += moved
            if not moved and not count(session, wanted):
                return total
            session.commit()
            if not moved:
                sleep(_PATIENCE)


def _batches(
    session: Bulk,
    numbers: Mapping[Scheme, int],
    wanted: str,
    turns: Turns,
    tell: Callable[[int], None],
    pages: int,
) -> Iterator[int]:
    for (table,) in session.rows(_TABLES):
        ((size,),) = session.rows(f"SELECT pg_relation_size('{table}') / current_setting('block_size')::int")
        session.commit()
        for first in range(0, int(size), pages):
            place = f"l.ctid >= '({first},0)' AND l.ctid < '({first + pages},0)'"
            moved = _batch(session, table, place, wanted, numbers.get(FIRST, 0), turns)
            session.commit()
            faults.reach("rekey.marked")
            if moved:
                tell(moved)
            yield moved


def _batch(session: Bulk, table: str, place: str, wanted: str, first_scheme: int, turns: Turns) -> int:
    session.run(
        f"""
        INSERT INTO moving
        SELECT row_number() OVER (), l.ctid, l.member_id, l.loan_no, l.subject_id, l.digest, l.name_mark,
            coalesce(l.mark_scheme, {int(first_scheme)})
        FROM {table} l WHERE {place} AND {wanted} AND member_id IN (SELECT id FROM ({_FREE}) free)
        """
    )
    columns = {"n": "int4", "mark": "uuid", "scheme": "int2", "digest": "int8"}
    found = session.table("SELECT n, mark, scheme, digest FROM moving", columns)
    if found.num_rows:
        session.copy("turned", _turned(found, turns))
        session.run("ANALYZE moving", "ANALYZE turned", _WRITTEN.format(table=table, place=place))
        if table == "loan":
            session.run(_KEYS)
    return len(found)


_WRITTEN: Final = """
    UPDATE {table} l SET name_mark = t.mark, mark_scheme = t.scheme, digest = t.digest
    FROM moving m JOIN turned t USING (n) WHERE {place} AND l.ctid = m.place
"""
# A mobile mark is cut short and cannot be turned. Without one the number is looked up once more with the next report.
_KEYS: Final = """
    UPDATE loan_key k SET digest = CASE WHEN k.digest = m.digest THEN t.digest ELSE k.digest END, mobile_mark = NULL
    FROM moving m JOIN turned t USING (n)
    WHERE k.member_id = m.member_id AND k.loan_no = m.loan_no AND k.subject_id = m.subject_id
"""


def _turned(found: pa.Table, turns: Turns) -> pa.Table:
    marks, digests = from_column(found["mark"]).copy(), found["digest"].to_numpy().copy()
    schemes = found["scheme"].to_numpy().copy()
    for number in np.unique(schemes):
        rows = np.flatnonzero(schemes == number)
        marks[rows], digests[rows] = turns[int(number)].turned(marks[rows], digests[rows])
        schemes[rows] = turns[int(number)].scheme
    columns = {
        "n": found["n"],
        "mark": blocks(marks),
        "scheme": pa.array(schemes),
        "digest": pa.array(digests),
    }
    return pa.table(columns)
