"""Submissions of every member, as operators look through them, and the findings of one grouped by their check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, text

from huxin.contract import State
from huxin_checks.finding import Finding

_COLUMNS: Final = """
    s.id, s.member_id, m.code, m.name, s.sender, s.state, s.as_of_date, s.sequence, s.mode, s.rows, s.accepted,
    s.rejected, s.warned, s.vanished, s.received_at, s.changed_at, s.codes
"""
# With few rows a walk through a table may look cheap.
_BY_KEYS: Final = text("""
    SELECT set_config(name, 'off', true)
    FROM unnest(ARRAY['enable_seqscan', 'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin']) AS s(name)
""")
_SAMPLES: Final = text("""
    SELECT f.* FROM unnest(CAST(:codes AS text[])) c(code) CROSS JOIN LATERAL (
        SELECT record, code, field, line, masked FROM finding
        WHERE member_id = :member AND submission_id = :id AND code = c.code
        ORDER BY record, code, field LIMIT :most) f
""")


# A refused file is over once its member's day has a published one; one without a day, once any later file is published.
_STILL_REFUSED: Final = """
    NOT EXISTS (SELECT FROM submission o WHERE o.member_id = s.member_id AND o.id > s.id AND o.state = 5
        AND (s.as_of_date IS NULL OR o.as_of_date = s.as_of_date))
"""
_COUNT_REFUSED: Final = text(f"""
    SELECT count(*) FROM submission s WHERE s.state = 6 AND s.id >= id_floor(:since) AND {_STILL_REFUSED}
""")
_COUNT_WAITING: Final = text("SELECT count(*) FROM submission WHERE state = 4")


@dataclass(frozen=True)
class Listed:
    """One submission as a list shows it; `code` and `name` are None where the sender is no member.

    The file's name is not told: members may put a person's into it.
    """

    id: UUID
    member_id: int
    code: str | None
    name: str | None
    sender: str
    state: State
    as_of_date: date | None
    sequence: int | None
    mode: int | None
    rows: int | None
    accepted: int | None
    rejected: int | None
    warned: int | None
    vanished: int | None
    received_at: datetime
    changed_at: datetime
    codes: dict[str, int]


@dataclass(frozen=True)
class Sought:
    """Which submissions: None stands for all. `since` is of the receipt; `still`: not made good since."""

    member_id: int | None = None
    state: State | None = None
    as_of: date | None = None
    since: datetime | None = None
    still: bool = False


def list_submissions(connection: Connection, sought: Sought, before: UUID | None, most: int) -> list[Listed]:
    """At the most `most` submissions, the newest receipt first, those before that number. By keys alone."""
    connection.execute(_BY_KEYS)
    values = {
        "member": sought.member_id,
        "state": None if sought.state is None else int(sought.state),
        "as_of": sought.as_of,
        "since": sought.since,
        "before": before,
        "most": most,
    }
    found = connection.execute(text(statement(sought, before)), values).mappings()
    return [Listed(**{**row, "state": State(row["state"])}) for row in found]


def statement(sought: Sought, before: UUID | None = None) -> str:
    """The query of a list: by the number, which is the order of receipt, and by the member's own where one is named."""
    wanted = {
        "s.member_id = :member": sought.member_id,
        "s.state = :state": sought.state,
        "s.as_of_date = :as_of": sought.as_of,
        "s.id >= id_floor(:since)": sought.since,
        "s.id < :before": before,
    }
    held = [condition for condition, value in wanted.items() if value is not None]
    held += [_STILL_REFUSED] if sought.still else []
    return f"""
        SELECT {_COLUMNS} FROM submission s LEFT JOIN member m ON m.id = s.member_id
        {"WHERE " + " AND ".join(held) if held else ""} ORDER BY s.id DESC LIMIT :most
    """


def one_submission(connection: Connection, submission_id: UUID) -> Listed | None:
    """The submission of that number, whose ever; None when there is none."""
    query = f"SELECT {_COLUMNS} FROM submission s LEFT JOIN member m ON m.id = s.member_id WHERE s.id = :id"
    row: Any = connection.execute(text(query), {"id": submission_id}).mappings().one_or_none()
    return None if row is None else Listed(**{**row, "state": State(row["state"])})


def count_waiting(connection: Connection) -> int:
    """How many submissions wait for their member's word."""
    return int(connection.execute(_COUNT_WAITING).scalar_one())


def count_refused(connection: Connection, since: datetime) -> int:
    """How many received since then were refused and not followed by one that was published, of the same member and day.

    By keys alone, as a list: what is read grows with the submissions since then, not with all there are.
    """
    connection.execute(_BY_KEYS)
    return int(connection.execute(_COUNT_REFUSED, {"since": since}).scalar_one())


def samples(
    connection: Connection, item: Listed, codes: Sequence[str], most: int
) -> dict[str, list[Finding]]:
    """Of each of these checks its first findings in a submission, masked as they are kept."""
    values = {"member": item.member_id, "id": item.id, "codes": list(codes), "most": most}
    found: dict[str, list[Finding]] = {}
    for row in connection.execute(_SAMPLES, values):
        found.setdefault(row[1], []).append(Finding(*row))
    return found
