"""Members' open loans by class, kept by what each load adds and takes away; the sum over a book is made only anew.

A loan counts once for each primary party that stands, at the balance and class that its member last said.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa
from sqlalchemy import Connection, text

from huxin.registry.bulk import Bulk

# What the load wrote and what it replaced or ended, in sums; it dies with the load's transaction.
CHANGE: Final = pa.schema(
    [
        ("member_id", pa.int32()),
        ("class5", pa.int16()),
        ("loans", pa.int64()),
        ("outstanding", pa.int64()),
        ("overdue_loans", pa.int64()),
        ("overdue_amount", pa.int64()),
    ]
)
_NAMES: Final = ", ".join(CHANGE.names)
_MONEY: Final = CHANGE.names[2:]


def counts(alias: str) -> str:
    """The condition that a row of `loan` or of what was one is in its member's book."""
    a = alias
    return (
        f"{a}.role = 1 AND {a}.ended_by IS NULL "
        f"AND ({a}.status IN (1, 2, 3, 4) OR ({a}.status = 5 AND {a}.balance > 0))"
    )


def taken_from(source: str, alias: str) -> str:
    """The statement that notes rows of `source` as gone from their books."""
    a = alias
    return f"""
        INSERT INTO book_change ({_NAMES})
        SELECT {a}.member_id, {a}.class5, -count(*), -sum({a}.balance), -count({a}.overdue_since),
            -sum({a}.overdue_amount)
        FROM {source} WHERE {counts(a)} GROUP BY {a}.member_id, {a}.class5
    """


# The member's day is the one that it stands at after this load, which a correction of an earlier day leaves as it is.
SETTLE: Final = (
    f"""
    INSERT INTO member_book AS b ({_NAMES})
    SELECT member_id, class5, {", ".join(f"sum({name})" for name in _MONEY)}
    FROM book_change GROUP BY member_id, class5 ORDER BY member_id, class5
    ON CONFLICT (member_id, class5) DO UPDATE SET {", ".join(f"{n} = b.{n} + excluded.{n}" for n in _MONEY)}
    """,
    """
    DELETE FROM member_book_day d USING batch b JOIN member m ON m.id = b.member_id
    WHERE d.member_id = b.member_id AND d.day = coalesce(m.as_of_date, b.as_of_date)
    """,
    f"""
    INSERT INTO member_book_day ({_NAMES}, day)
    SELECT {", ".join(f"k.{name}" for name in CHANGE.names)}, coalesce(m.as_of_date, b.as_of_date)
    FROM batch b JOIN member m ON m.id = b.member_id JOIN member_book k ON k.member_id = b.member_id
    """,
    """
    UPDATE report_day r SET loans = t.loans, outstanding = t.outstanding
    FROM (SELECT d.member_id, d.day, sum(d.loans) AS loans, sum(d.outstanding) AS outstanding
          FROM batch b JOIN member m ON m.id = b.member_id
          JOIN member_book_day d ON d.member_id = b.member_id AND d.day = coalesce(m.as_of_date, b.as_of_date)
          GROUP BY d.member_id, d.day) t
    WHERE r.member_id = t.member_id AND r.day = t.day
    """,
)

_FORGET = "DELETE FROM member_book WHERE member_id = :member"
_RECOUNT = f"""
    INSERT INTO member_book ({_NAMES})
    SELECT l.member_id, l.class5, count(*), sum(l.balance), count(l.overdue_since), sum(l.overdue_amount)
    FROM loan_key k JOIN loan l USING (subject_id, member_id, loan_no)
    WHERE k.member_id = :member AND k.ended_by IS NULL AND {counts("l")} GROUP BY l.member_id, l.class5
"""
_FORGET_DAYS = """
    DELETE FROM member_book_day d USING member m
    WHERE d.member_id = :member AND m.id = :member AND d.day >= coalesce(m.as_of_date, '-infinity')
"""
_TOTALS_FORGET = """
    UPDATE report_day r SET loans = NULL, outstanding = NULL FROM member m
    WHERE r.member_id = :member AND m.id = :member AND r.day >= coalesce(m.as_of_date, '-infinity')
"""
_TOTALS_ANEW = """
    UPDATE report_day r SET loans = t.loans, outstanding = t.outstanding
    FROM (SELECT d.day, sum(d.loans) AS loans, sum(d.outstanding) AS outstanding
          FROM member m JOIN member_book_day d ON d.member_id = m.id AND d.day = m.as_of_date
          WHERE m.id = :member GROUP BY d.day) t
    WHERE r.member_id = :member AND r.day = t.day
"""
_DAY_ANEW = f"""
    INSERT INTO member_book_day ({_NAMES}, day)
    SELECT {", ".join(f"k.{name}" for name in CHANGE.names)}, m.as_of_date
    FROM member m JOIN member_book k ON k.member_id = m.id WHERE m.id = :member AND m.as_of_date IS NOT NULL
"""


def add(bulk: Bulk, come: pa.Table | None) -> None:
    """Notes what came into the books of this load's members (columns of CHANGE); None is nothing."""
    if come is not None and come.num_rows:
        bulk.copy("book_change", come.cast(CHANGE))


def recount(connection: Connection, member_id: int) -> None:
    """Counts a member's book anew, and lets its day's sums be what is found; as after taking a submission back."""
    for statement in (_FORGET, _RECOUNT, _FORGET_DAYS, _DAY_ANEW, _TOTALS_FORGET, _TOTALS_ANEW):
        connection.execute(text(statement), {"member": member_id})
