"""What members reported, out of the sums by member and day: for calendars, league tables and lists of what is missing.

Every query reads by a key or by an index on the day; none reads a loan, a finding's row or an enquiry.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, text

_DAY = """
    member_id, day, files, refused, waiting, withdrawn, rows, accepted, rejected, warned, vanished, first_at, last_at,
    loans
"""
_DAYS = text(f"SELECT {_DAY} FROM report_day WHERE day >= :since AND day <= :until ORDER BY member_id, day")
_DAYS_OF = text(f"""
    SELECT {_DAY} FROM report_day WHERE member_id = ANY (:members) AND day >= :since AND day <= :until
    ORDER BY member_id, day
""")
_CODES = text("""
    SELECT code, sum(hits)::bigint FROM report_code WHERE day >= :since AND day <= :until
    GROUP BY code HAVING sum(hits) > 0 ORDER BY 2 DESC, 1
""")
_CODES_OF = text("""
    SELECT code, sum(hits)::bigint FROM report_code
    WHERE member_id = :member AND day >= :since AND day <= :until
    GROUP BY code HAVING sum(hits) > 0 ORDER BY 2 DESC, 1
""")
# Rejected rows and refused files by check (an E or an F begins its code, a W warns): the sector's sums, whose first
# column is null, and of each member the check that hit most. One pass over the days, whose sums by member are few.
_REJECTIONS = text("""
    WITH held AS MATERIALIZED (
        SELECT member_id, code, sum(hits)::bigint AS hits FROM report_code
        WHERE day >= :since AND day <= :until AND code NOT LIKE 'W%'
        GROUP BY member_id, code HAVING sum(hits) > 0)
    SELECT NULL::integer, code, sum(hits)::bigint AS hits, count(*) AS members FROM held GROUP BY code
    UNION ALL
    SELECT * FROM (SELECT DISTINCT ON (member_id) member_id, code, hits, 1 FROM held
        ORDER BY member_id, hits DESC, code) worst
    ORDER BY hits DESC, code
""")
_SENDERS = text("SELECT count(DISTINCT member_id) FROM report_day WHERE day >= :since AND day <= :until")
# The wall clock of Shanghai says when a day is due. Days with a grant are left out: they are few, and read one by one.
_CONDUCT = text("""
    SELECT r.member_id, count(*) FILTER (WHERE r.plain), count(*) FILTER (WHERE r.plain AND r.first_at <= r.due),
        coalesce(sum(r.rows) FILTER (WHERE r.plain), 0)::bigint,
        coalesce(sum(r.rejected) FILTER (WHERE r.plain), 0)::bigint,
        coalesce(sum(r.vanished) FILTER (WHERE r.plain), 0)::bigint,
        coalesce(sum(least(abs(r.loans - r.before)::float / greatest(r.before, 1), :swing))
            FILTER (WHERE r.loans - r.before IS NOT NULL), 0)::float,
        count(r.loans - r.before)
    FROM (SELECT d.*, lag(d.loans) OVER (PARTITION BY d.member_id ORDER BY d.day) AS before,
              (d.day + make_interval(days => :days_after, mins => :minute)) AT TIME ZONE 'Asia/Shanghai' AS due,
              NOT EXISTS (SELECT FROM reporting_term t
                  WHERE t.day = d.day AND t.member_id IN (0, d.member_id)) AS plain
          FROM report_day d JOIN member m ON m.id = d.member_id
          WHERE d.day >= :since AND d.day <= :until AND d.files > 0
            AND d.day >= (m.created_at AT TIME ZONE 'Asia/Shanghai')::date
            AND (:weekends OR extract(isodow FROM d.day) < 6)) r
    GROUP BY r.member_id ORDER BY r.member_id
""")
_MEMBERS = text("""
    SELECT id, code, name, status, as_of_date, created_at FROM member
    WHERE (CAST(:ids AS integer[]) IS NULL OR id = ANY (:ids)) ORDER BY code
""")


@dataclass(frozen=True)
class ReportDay:
    """A member's submissions of one day: published, refused, waiting and withdrawn ones; rows of the published.

    `first_at` and `last_at` are the first and last publication that stands, None where none does; `loans` is how many
    were open after the day's last load, None where the day was no newest day.
    """

    member_id: int
    day: date
    files: int = 0
    refused: int = 0
    waiting: int = 0
    withdrawn: int = 0
    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    warned: int = 0
    vanished: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    loans: int | None = None


@dataclass(frozen=True)
class Reporter:
    """A member as the reporting pages name it."""

    id: int
    code: str
    name: str
    status: str
    as_of_date: date | None
    created_at: datetime


@dataclass(frozen=True)
class Conduct:
    """How a member reported over some days on which nothing special was granted: what its quality is made of.

    `reported` days have a published file, `on_time` ones had it before it was due. `swings` sums the day-on-day changes
    of the number of open loans as shares of the day before, each up to the limit asked for; `steps` is how many.
    """

    member_id: int
    reported: int
    on_time: int
    rows: int
    rejected: int
    vanished: int
    swings: float
    steps: int


@dataclass(frozen=True)
class RuleHits:
    """How often one check rejected a row or refused a file, and of how many members."""

    code: str
    hits: int
    members: int


@dataclass(frozen=True)
class Rejections:
    """What some days' reports were rejected for: by check, the most frequent first, and each member's own worst.

    `senders` is how many members anything came from.
    """

    rules: tuple[RuleHits, ...]
    worst: dict[int, RuleHits]
    senders: int


def reporters(connection: Connection, ids: Iterable[int] | None = None) -> list[Reporter]:
    """All members, or these, by code."""
    return [Reporter(*row) for row in connection.execute(_MEMBERS, {"ids": _listed(ids)})]


def report_days(
    connection: Connection, since: date, until: date, members: Iterable[int] | None = None
) -> list[ReportDay]:
    """What was reported for these days, both included, by member and day; of all members or of these."""
    values = {"since": since, "until": until, "members": _listed(members)}
    return [ReportDay(*row) for row in connection.execute(_DAYS if members is None else _DAYS_OF, values)]


def code_counts(
    connection: Connection, since: date, until: date, member: int | None = None
) -> list[tuple[str, int]]:
    """Findings by the code of their check, the most frequent first; of one member or of all."""
    values = {"since": since, "until": until, "member": member}
    found = connection.execute(_CODES if member is None else _CODES_OF, values)
    return [(row[0], row[1]) for row in found]


def rejections(connection: Connection, since: date, until: date) -> Rejections:
    """What reports for these days, both included, were rejected for: all members' and each one's."""
    values = {"since": since, "until": until}
    rules, worst = [], {}
    for member, *row in connection.execute(_REJECTIONS, values):
        if member is None:
            rules.append(RuleHits(*row))
        else:
            worst[member] = RuleHits(*row)
    return Rejections(tuple(rules), worst, connection.execute(_SENDERS, values).scalar_one())


def conducts(
    connection: Connection, since: date, until: date, due: tuple[int, int], weekends: bool, swing: float
) -> list[Conduct]:
    """How every member that reported for these days did so, from the day it joined.

    `due`: days after, minute of that day, in Shanghai; without `weekends` Saturdays and Sundays are left out.
    """
    values = {
        "since": since,
        "until": until,
        "days_after": due[0],
        "minute": due[1],
        "weekends": weekends,
        "swing": swing,
    }
    return [Conduct(*row) for row in connection.execute(_CONDUCT, values)]


def _listed(ids: Iterable[int] | None) -> list[int] | None:
    return None if ids is None else list(ids)
