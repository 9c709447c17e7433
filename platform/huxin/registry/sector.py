"""The sector as a whole: sums of members' books at once, and what is counted over all loans once a night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, text

MOST_LENDERS: Final = 5  # and more
_AGAIN_DAYS: Final = 10  # a member that is late by so many days still enters the sums of its day

_LONGEST: Final = 400  # days that a first close looks back
_NAMES = ("loans", "outstanding", "overdue_loans", "overdue_amount")
_SUMS = ", ".join(f"coalesce(sum(b.{name}), 0)::bigint" for name in _NAMES)
_NOW = text(f"""
    SELECT b.class5, count(*) FILTER (WHERE b.loans > 0)::integer, {_SUMS} FROM member_book b
    GROUP BY b.class5 ORDER BY b.class5
""")
_TREND = text(f"""
    SELECT day, class5, members, {", ".join(_NAMES)} FROM sector_book
    WHERE day >= :since AND day <= :until ORDER BY day, class5
""")
_LENDERS = text("""
    SELECT day, lenders, subjects, counted_at FROM sector_lenders WHERE day >= :since AND day <= :until
    ORDER BY day, lenders
""")
# Days to close: those of the last while, and with the first close of all every day there is.
_SPAN = text(f"""
    SELECT greatest(max(day) - {_LONGEST}, coalesce((SELECT max(day) - {_AGAIN_DAYS} FROM sector_book), min(day))),
        max(day)
    FROM member_book_day
""")
_FORGET = text("DELETE FROM sector_book WHERE day >= :since AND day <= :until")
# Of each member the last book that is not after the day.
_CLOSE = text(f"""
    INSERT INTO sector_book (day, class5, members, {", ".join(_NAMES)})
    SELECT d.day, b.class5, count(*) FILTER (WHERE b.loans > 0), {_SUMS}
    FROM (SELECT generate_series(CAST(:since AS date), CAST(:until AS date), interval '1 day')::date AS day) d
    CROSS JOIN member m
    CROSS JOIN LATERAL (
        SELECT max(x.day) AS day FROM member_book_day x WHERE x.member_id = m.id AND x.day <= d.day) last
    JOIN member_book_day b ON b.member_id = m.id AND b.day = last.day
    GROUP BY d.day, b.class5
""")
# By the narrower table, and as a query by itself, which the server may share out over its processes.
_COUNT = text(f"""
    SELECT least(members, {MOST_LENDERS})::smallint, count(*) FROM (
        SELECT count(*) AS members FROM (
            SELECT subject_id, member_id FROM loan_key WHERE open AND ended_by IS NULL AND role < 3
            GROUP BY subject_id, member_id) pairs
        GROUP BY subject_id) subjects
    GROUP BY 1 ORDER BY 1
""")
_KEEP = text("""
    INSERT INTO sector_lenders AS s (day, lenders, subjects, counted_at) VALUES (:day, :lenders, :subjects, :at)
    ON CONFLICT (day, lenders) DO UPDATE SET subjects = excluded.subjects, counted_at = excluded.counted_at
""")
# Any fixed number serves; this one spells "close" in ASCII.
_DUE = text("""
    SELECT coalesce((SELECT max(changed_at) FROM submission WHERE state IN (5, 7))
        > (SELECT max(counted_at) FROM sector_lenders), EXISTS (SELECT FROM member_book_day))
""")
_ROOM = text("SET LOCAL work_mem = '64MB'")
_TURN = text("SELECT pg_advisory_xact_lock(427020183397)")


@dataclass(frozen=True)
class ClassSum:
    """Open loans of one class over all members. Money in cents."""

    class5: int
    members: int
    loans: int
    outstanding: int
    overdue_loans: int
    overdue_amount: int


@dataclass(frozen=True)
class DaySum:
    """The same at the close of a day."""

    day: date
    sums: ClassSum


@dataclass(frozen=True)
class Lenders:
    """So many subjects owed to so many members (5: five or more) when it was counted for that day."""

    day: date
    lenders: int
    subjects: int
    counted_at: datetime


def sector_now(connection: Connection) -> list[ClassSum]:
    """All members' books as they stand, by class."""
    return [ClassSum(*row) for row in connection.execute(_NOW)]


def sector_trend(connection: Connection, since: date, until: date) -> list[DaySum]:
    """The sector at the close of each of these days, by day and class."""
    rows = connection.execute(_TREND, {"since": since, "until": until})
    return [DaySum(row[0], ClassSum(*row[1:])) for row in rows]


def lenders_trend(connection: Connection, since: date, until: date) -> list[Lenders]:
    """How many subjects owed to how many members, by day."""
    return [Lenders(*row) for row in connection.execute(_LENDERS, {"since": since, "until": until})]


def close_due(connection: Connection) -> bool:
    """Whether something was published or taken back since the sector was last summed up."""
    return bool(connection.execute(_DUE).scalar())


def close_sector(connection: Connection, now: datetime) -> date | None:
    """Sums up the newest days over all members and counts lenders a subject; the newest day, None before any.

    Reads every loan's key once: for the end of a night, never for a request.
    """
    connection.execute(_TURN)
    connection.execute(_ROOM)
    since, until = connection.execute(_SPAN).one()
    if until is None or since is None:
        return None
    values = {"since": since, "until": until}
    connection.execute(_FORGET, values)
    connection.execute(_CLOSE, values)
    counted = {row[0]: row[1] for row in connection.execute(_COUNT)}
    rows = [
        {"day": until, "lenders": number, "subjects": counted.get(number, 0), "at": now}
        for number in range(1, MOST_LENDERS + 1)
    ]
    connection.execute(_KEEP, rows)
    closed: date = until
    return closed
