"""The bench's members: their kinds and tiers, and one published submission each."""

from __future__ import annotations

import psycopg

from enquirybench.filler import Book, member_code, submission_of
from huxin.contract import State

_KINDS = ("microlender", "microlender", "microlender", "bank", "consumer_finance", "guarantor")
_FULL = 1


def add_members(uri: str, book: Book) -> list[int]:
    """Registers the book's members, who reported on its day; gives their numbers in the order of their codes."""
    with psycopg.connect(uri) as connection:
        has_kind = "kind" in _columns(connection, "member")
        ids = []
        for number in range(1, book.members + 1):
            code = member_code(number)
            found = connection.execute(
                "INSERT INTO member (code, name, status, as_of_date, as_of_sequence, created_at)"
                " VALUES (%s, %s, 'active', %s, 1, %s) RETURNING id",
                (code, f"会员 {code}", book.as_of, book.recorded_at),
            ).fetchone()
            ids.append(int(found[0]))  # type: ignore[index]  # INSERT … RETURNING gives its row
            if has_kind:
                kind = _KINDS[number % len(_KINDS)]
                connection.execute("UPDATE member SET kind = %s WHERE id = %s", (kind, ids[-1]))
            connection.execute(_SUBMISSION, _submission(book, number, ids[-1]))
    return ids


_SUBMISSION = """
    INSERT INTO submission (member_id, id, state, sender, file, data_digest, manifest_digest, contract,
        as_of_date, sequence, mode, record_count, rows, accepted, rejected, warned, received_at, changed_at)
    VALUES (%(member)s, %(id)s, %(state)s, %(code)s, %(file)s, %(digest)s, %(digest)s, 'loan/v1',
        %(day)s, 1, %(mode)s, %(rows)s, %(rows)s, %(rows)s, 0, 0, %(now)s, %(now)s)
"""


def _submission(book: Book, number: int, member_id: int) -> dict[str, object]:
    return {
        "member": member_id,
        "id": submission_of(number),
        "state": int(State.PUBLISHED),
        "code": member_code(number),
        "file": f"loans_{book.as_of:%Y%m%d}.csv",
        "digest": submission_of(number).bytes * 2,
        "day": book.as_of,
        "mode": _FULL,
        "rows": book.loans // book.members,
        "now": book.recorded_at,
    }


def _columns(connection: psycopg.Connection[tuple[object, ...]], table: str) -> set[str]:
    rows = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0", (table,)
    )
    return {str(row[0]) for row in rows}
