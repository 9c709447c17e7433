"""What operators grant members about their reporting: holidays, more time for a day, a missed day made up for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, text

HOLIDAY: Final = "holiday"  # 停报: nothing is due
EXTENSION: Final = "extension"  # the day is due later
BACKFILL: Final = "backfill"  # a missed day is asked for after all
KINDS: Final = (HOLIDAY, EXTENSION, BACKFILL)
EVERYBODY: Final = 0

_SET = text("""
    INSERT INTO reporting_term AS t (member_id, day, kind, until, reason, set_at, set_by)
    VALUES (:member_id, :day, :kind, :until, :reason, :set_at, :set_by)
    ON CONFLICT (member_id, day, kind) DO UPDATE SET
        until = excluded.until, reason = excluded.reason, set_at = excluded.set_at, set_by = excluded.set_by
""")
_LIFT = text("""
    DELETE FROM reporting_term
    WHERE member_id = :member_id AND kind = :kind AND day >= :since AND day <= :until
""")
_FIND = text("""
    SELECT member_id, day, kind, until, reason, set_at, set_by FROM reporting_term
    WHERE day >= :since AND day <= :until AND (:every OR member_id = ANY (:members))
    ORDER BY day, member_id, kind
""")


@dataclass(frozen=True)
class Term:
    """One grant for one day. `member_id` 0 is everybody; `until` is None for a holiday; `reason` is a code."""

    member_id: int
    day: date
    kind: str
    until: datetime | None
    reason: str
    set_at: datetime
    set_by: str


def set_terms(connection: Connection, terms: Iterable[Term]) -> None:
    """Grants, in place of what was granted of the same kind for the same day."""
    rows = [vars(term) for term in terms]
    if rows:
        connection.execute(_SET, rows)


def lift_terms(connection: Connection, member_id: int, kind: str, since: date, until: date) -> int:
    """Takes grants of one kind back, both days included; returns how many there were."""
    values = {"member_id": member_id, "kind": kind, "since": since, "until": until}
    return connection.execute(_LIFT, values).rowcount


def terms_between(
    connection: Connection, since: date, until: date, members: Iterable[int] | None = None
) -> list[Term]:
    """What was granted for these days, both included: to these members and to everybody, or to whomever."""
    wanted = [] if members is None else [EVERYBODY, *members]
    values = {"since": since, "until": until, "every": members is None, "members": wanted}
    return [Term(*row) for row in connection.execute(_FIND, values)]
