"""What the guard's monitors read: sums by member, subjects asked about again and again, quotas that were used up.

Set-based, and by keys alone: enquiries by member and time, loans by subject and member; no walk through the loans.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from huxin.errors import HuxinError
from huxin.registry.checks import PURPOSE as OPERATORS
from huxin.registry.publishing import ITS_LOAN
from huxin.registry.reservations import State

# Any fixed number serves; this one spells "guard" in ASCII.
_TURN = 0x6775617264
_BEGIN = text("SELECT pg_try_advisory_xact_lock(:turn)")
# With few rows a walk through a table may look cheap; and what was planned on an empty table is kept.
_BY_KEYS = text("""
    SELECT set_config(name, 'off', true)
    FROM unnest(ARRAY['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin']) AS s(name)
""")
_TALLIES = text("""
    SELECT member_id, purpose, sum(asked), sum(known) FROM enquiry_tally t
    WHERE day >= :since AND day <= :until
      AND day > coalesce((SELECT max(a.window_until) FROM alarm a
        WHERE :settled AND a.member_id = t.member_id AND a.kind = 'hit_rate' AND a.about = t.purpose
          AND a.state = 'closed'), '-infinity')
    GROUP BY member_id, purpose
""")
_EXPLAINED = text("""
    SELECT DISTINCT ON (member_id, about) member_id, about, (figures ->> 'share')::float FROM alarm
    WHERE kind = 'hit_rate' AND state = 'closed' AND changed_at >= :since ORDER BY member_id, about, changed_at DESC
""")
_YIELDED = text("SELECT DISTINCT day FROM enquiry_yield WHERE day >= :since")
# A loan that was there before the application is not what became of it; a day's grace, for who asks after paying out.
_YIELD = text(f"""
    WITH asked AS (
        SELECT k.member_id, e.purpose, e.subject_id, min(e.asked_at AT TIME ZONE 'Asia/Shanghai')::date AS on_day
        FROM member m
        JOIN enquiry_key k ON k.member_id = m.id
            AND k.enquiry_id >= id_floor(:since) AND k.enquiry_id < id_floor(:until)
        JOIN enquiry e ON e.subject_id = k.subject_id AND e.id = k.enquiry_id
        WHERE e.purpose <> '{OPERATORS}' AND NOT EXISTS (SELECT FROM honeytoken h WHERE h.subject_id = k.subject_id)
        GROUP BY k.member_id, e.purpose, e.subject_id)
    INSERT INTO enquiry_yield (member_id, day, purpose, subjects, borrowers)
    SELECT a.member_id, :day, a.purpose, count(*), count(l.found)
    FROM asked a LEFT JOIN LATERAL (
        SELECT 1 AS found FROM loan l
        WHERE l.subject_id = a.subject_id AND l.member_id = a.member_id AND l.void_by IS NULL
          AND (a.purpose <> 'application' OR l.disbursed_on >= a.on_day - 1) LIMIT 1) l ON true
    GROUP BY a.member_id, a.purpose
    ON CONFLICT DO NOTHING
""")
_YIELDS = text("""
    SELECT member_id, purpose, sum(subjects), sum(borrowers) FROM enquiry_yield y
    WHERE day >= :since AND day <= :until
      AND day > coalesce((SELECT max(a.window_until) FROM alarm a
        WHERE :settled AND a.member_id = y.member_id AND a.kind = 'conversion' AND a.about = y.purpose
          AND a.state = 'closed'), '-infinity')
    GROUP BY member_id, purpose
""")
# Of the subjects that were asked about lately; each one's whole window is counted, from where it was last settled.
_REPEATED = text(f"""
    WITH lately AS (
        SELECT DISTINCT k.member_id, k.subject_id FROM member m
        JOIN enquiry_key k ON k.member_id = m.id
            AND k.enquiry_id >= id_floor(:since) AND k.enquiry_id < id_floor(:until))
    SELECT t.member_id, t.subject_id, c.enquiries, c.staff, c.first_asked, c.last_asked, c.last_enquiry
    FROM lately t
    CROSS JOIN LATERAL (
        SELECT coalesce(max(a.changed_at), '-infinity') AS settled FROM alarm a
        WHERE a.member_id = t.member_id AND a.kind = 'repeated' AND a.about = t.subject_id::text
          AND a.state = 'closed') s
    CROSS JOIN LATERAL (
        SELECT count(*) AS enquiries, count(DISTINCT e.staff) AS staff, min(e.asked_at) AS first_asked,
            max(e.asked_at) AS last_asked, (array_agg(e.id ORDER BY e.id DESC))[1] AS last_enquiry
        FROM enquiry e
        WHERE e.subject_id = t.subject_id AND e.id >= id_floor(:begin) AND e.id < id_floor(:until)
          AND e.member_id = t.member_id AND e.purpose <> '{OPERATORS}' AND e.asked_at > s.settled) c
    LEFT JOIN LATERAL (
        SELECT true AS lends FROM loan l
        WHERE l.subject_id = t.subject_id AND l.member_id = t.member_id AND l.void_by IS NULL LIMIT 1) l ON true
    WHERE c.enquiries >= :least AND l.lends IS NULL
      AND NOT EXISTS (SELECT FROM honeytoken h WHERE h.subject_id = t.subject_id)
    ORDER BY t.member_id, t.subject_id
""")
# Those whose time ended (the partial index holds them beside those that wait), and those that were given back so long
# after the money was said to have left that it was no slip.
_UNREPORTED = text(f"""
    SELECT e.member_id, count(*), min(e.ended_at), max(e.ended_at) FROM (
        SELECT r.member_id, r.expires_at AS ended_at FROM reservation r
        WHERE r.state = {int(State.CONVERTED)} AND r.expires_at > :begin AND r.expires_at <= :until
          AND NOT EXISTS ({ITS_LOAN})
        UNION ALL
        SELECT r.member_id, r.changed_at FROM reservation_past p
        JOIN reservation r ON r.subject_id = p.subject_id AND r.id = p.id AND r.changed_at = p.superseded_at
        WHERE p.state = {int(State.CONVERTED)} AND p.superseded_at > :begin AND p.superseded_at <= :until
          AND r.state = {int(State.RELEASED)} AND EXISTS (
            SELECT FROM reservation_past g WHERE g.subject_id = p.subject_id AND g.id = p.id
              AND g.state = {int(State.GRANTED)} AND g.superseded_at < p.superseded_at - interval '1 day')
    ) e
    WHERE e.ended_at > coalesce((SELECT max(a.changed_at) FROM alarm a
        WHERE a.member_id = e.member_id AND a.kind = 'unreported' AND a.state = 'closed'), '-infinity')
    GROUP BY e.member_id HAVING count(*) >= :least ORDER BY e.member_id
""")
_REFUSED = text("""
    SELECT r.member_id, r.purpose, r.per_day, q.day_used, r.refused
    FROM quota_refused r JOIN quota q ON q.member_id = r.member_id AND q.purpose = r.purpose AND q.day = r.day
    WHERE r.day = :today ORDER BY r.member_id, r.purpose
""")
# Of each honeytoken whether a member says that it lends to it.
_REPORTED = text("""
    SELECT l.member_id, count(*) FROM honeytoken h
    CROSS JOIN LATERAL (
        SELECT DISTINCT l.member_id FROM loan l WHERE l.subject_id = h.subject_id AND l.void_by IS NULL) l
    GROUP BY l.member_id ORDER BY l.member_id
""")
_DONE = text("SELECT done_until FROM guard_run WHERE monitor = :monitor")
_MARK = text("""
    INSERT INTO guard_run AS g VALUES (:monitor, :until)
    ON CONFLICT (monitor) DO UPDATE SET done_until = greatest(g.done_until, excluded.done_until)
""")

Sums = dict[tuple[int, str], tuple[int, int]]  # (member, purpose) to (of, hits)


@dataclass(frozen=True)
class Asked:
    """A subject that a member asked about `enquiries` times through so many staff, and has no loan with."""

    member_id: int
    subject_id: UUID
    enquiries: int
    staff: int
    first_asked: datetime
    last_asked: datetime
    last_enquiry: UUID


@dataclass(frozen=True)
class Unreported:
    """How many of a member's converted reservations ended without their loans, and when the first and the last did."""

    member_id: int
    reservations: int
    first_ended: datetime
    last_ended: datetime


@dataclass(frozen=True)
class Refused:
    """What a day's quota refused a member, the quota that refused the last, and how many were asked on the day."""

    member_id: int
    purpose: str
    per_day: int
    asked: int
    refused: int


def take_turn(connection: Connection) -> None:
    """One run of the monitors at a time, to the end of the transaction. HuxinError H1902."""
    if not connection.execute(_BEGIN, {"turn": _TURN}).scalar():
        raise HuxinError("H1902")
    connection.execute(_BY_KEYS)


def tallies(connection: Connection, since: date, until: date, *, settled: bool) -> Sums:
    """Enquiries and those that met a known subject, by member and purpose; with `settled` only after closed alarms."""
    values = {"since": since, "until": until, "settled": settled}
    return _sums(connection, _TALLIES, values)


def explained(connection: Connection, since: datetime) -> dict[tuple[int, str], float]:
    """The share of hits (percent) at which an alarm was last closed since then, by member and purpose."""
    return {(row[0], row[1]): row[2] for row in connection.execute(_EXPLAINED, {"since": since})}


def reckon_yields(connection: Connection, first: date, last: date) -> int:
    """Reckons, for each day that has not been yet, what became of its enquiries. Returns how many days that was."""
    done = set(connection.execute(_YIELDED, {"since": first}).scalars())
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    for day in (missing := [day for day in days if day not in done]):
        since, until = _bounds(day)
        connection.execute(_YIELD, {"day": day, "since": since, "until": until})
    return len(missing)


def yields(connection: Connection, since: date, until: date, *, settled: bool) -> Sums:
    """Subjects asked about and those who became borrowers, by member and purpose; `settled` as above."""
    return _sums(connection, _YIELDS, {"since": since, "until": until, "settled": settled})


def repeated(
    connection: Connection, begin: datetime, since: datetime, until: datetime, least: int
) -> list[Asked]:
    """Subjects asked about between `since` and `until`, and `least` times or more between `begin` and `until`."""
    values = {"begin": begin, "since": since, "until": until, "least": least}
    return [Asked(*row) for row in connection.execute(_REPEATED, values)]


def unreported(connection: Connection, begin: datetime, until: datetime, least: int) -> list[Unreported]:
    """Members of whose converted reservations `least` or more ended after `begin`, by `until`, without their loans: by
    their time, or given back more than a day after the conversion."""
    values = {"begin": begin, "until": until, "least": least}
    return [Unreported(*row) for row in connection.execute(_UNREPORTED, values)]


def quotas_refused(connection: Connection, today: date) -> list[Refused]:
    """Of whom the day's quotas refused any."""
    return [Refused(*row) for row in connection.execute(_REFUSED, {"today": today})]


def reported_honeytokens(connection: Connection) -> list[tuple[int, int]]:
    """(member, honeytokens that it says it lends to)."""
    return [(row[0], row[1]) for row in connection.execute(_REPORTED)]


def done_until(connection: Connection, monitor: str) -> datetime | None:
    """Until when a monitor has looked; None before it first did."""
    found: datetime | None = connection.execute(_DONE, {"monitor": monitor}).scalar()
    return found


def mark_done(connection: Connection, monitor: str, until: datetime) -> None:
    """Says that a monitor has looked until then; never goes back."""
    connection.execute(_MARK, {"monitor": monitor, "until": until})


def _sums(connection: Connection, query: Any, values: Mapping[str, Any]) -> Sums:
    return {(row[0], row[1]): (int(row[2]), int(row[3])) for row in connection.execute(query, values)}


def _bounds(day: date) -> tuple[str, str]:
    """The beginning of a day in Shanghai, and of the next."""
    return f"{day} 00:00:00+08:00", f"{day + timedelta(days=1)} 00:00:00+08:00"
