"""The sums that the night keeps, held against a count over everything."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from huxin.registry.session import connection
from huxin.settings import Settings

_BOOKS = """
    SELECT member_id, class5, count(*), sum(balance), count(overdue_since), sum(overdue_amount) FROM loan
    WHERE role = 1 AND ended_by IS NULL AND (status < 5 OR (status = 5 AND balance > 0)) GROUP BY 1, 2
"""
_LAST_BOOKS = """
    SELECT d.member_id, d.class5, d.loans, d.outstanding, d.overdue_loans, d.overdue_amount
    FROM member m JOIN member_book_day d ON d.member_id = m.id AND d.day = m.as_of_date WHERE d.loans <> 0
"""
_DAYS = """
    SELECT member_id, as_of_date, count(*) FILTER (WHERE state = 5), count(*) FILTER (WHERE state = 6),
        count(*) FILTER (WHERE state = 4), count(*) FILTER (WHERE state = 7), sum(rows) FILTER (WHERE state = 5),
        sum(accepted) FILTER (WHERE state = 5), sum(rejected) FILTER (WHERE state = 5)
    FROM submission WHERE state >= 4 AND as_of_date IS NOT NULL GROUP BY 1, 2
"""
_CODES = """
    SELECT member_id, as_of_date, k.key, sum(k.value::bigint) FROM submission, jsonb_each_text(codes) k
    WHERE state IN (5, 6) AND as_of_date IS NOT NULL GROUP BY 1, 2, 3
"""


def summed_up(settings: Settings) -> None:
    """The sums that the night keeps are what a count over everything comes to."""
    with connection(settings) as database:

        def rows(query: str) -> dict[Any, Any]:
            found = database.execute(text(query))
            return {tuple(row[:2]): [0 if each is None else each for each in row[2:]] for row in found}

        books = rows(_BOOKS)
        same("member_book", rows("SELECT * FROM member_book WHERE loans <> 0"), books)
        standing = rows("SELECT id, 0 FROM member WHERE as_of_date IS NOT NULL")
        known = {key: found for key, found in books.items() if (key[0], 0) in standing}
        same("member_book_day", rows(_LAST_BOOKS), known)
        days = """SELECT member_id, day, files, refused, waiting, withdrawn, rows, accepted, rejected FROM report_day
            WHERE files + refused + waiting + withdrawn > 0"""
        same("report_day", rows(days), rows(_DAYS))
        codes = "SELECT member_id, day, code, hits FROM report_code WHERE hits <> 0 ORDER BY code"
        held = {tuple(row) for row in database.execute(text(codes))}
        assert held == {tuple(row) for row in database.execute(text(_CODES))}


def same(what: str, held: dict[Any, Any], counted: dict[Any, Any]) -> None:
    """Both alike, or the difference told."""
    names = [name for name in {**held, **counted} if held.get(name) != counted.get(name)]
    assert not names, "\n".join(
        [what, *(f"{name}: {held.get(name)}, counted {counted.get(name)}" for name in names)]
    )
