"""Enquiries of all members as operators look them up: by who asked, why, on which consent, about whom, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, text

from huxin.registry.enquiry_book import Entry

# Part of the sequencer's one statement, over its `fed`. Each row looks its enquiry up by itself: joined, all of them
# might be read each time.
PART: Final = """
    listed AS (
        INSERT INTO enquiry_directory (id, member_id, subject_id, purpose, staff, consent_no)
        SELECT (f.enquiry_id)::uuid, f.member_id, f.subject_id, f.purpose, e.staff, e.consent_no
        FROM fed f CROSS JOIN LATERAL (
            SELECT q.staff, q.consent_no FROM enquiry q
            WHERE q.subject_id = f.subject_id AND q.id = f.enquiry_id::uuid LIMIT 1) e
        ORDER BY 1 ON CONFLICT DO NOTHING)
"""
_COLUMNS: Final = """
    e.id, m.code, e.member_id, e.asked_at, e.purpose, e.product, e.amount, e.consent_no, e.consent_until,
    e.staff, e.reference, e.policy, e.tier
"""
# With few rows a walk through a table may look cheap; and what was planned on an empty table is kept.
_BY_KEYS: Final = text("""
    SELECT set_config(name, 'off', true)
    FROM unnest(ARRAY['enable_seqscan', 'enable_bitmapscan', 'enable_hashjoin', 'enable_mergejoin']) AS s(name)
""")
_SUBJECTS: Final = text("""
    SELECT DISTINCT subject_id FROM (
        SELECT d.subject_id FROM enquiry_directory d
        WHERE d.member_id = :member AND d.id >= id_floor(:since) AND d.id < id_floor(:until)
        ORDER BY d.id DESC LIMIT :most) s
""")
_OF_KEYS: Final = text("""
    SELECT DISTINCT a.subject_id
    FROM unnest(CAST(:tokens AS uuid[]), CAST(:schemes AS smallint[])) AS k(token, scheme)
    JOIN alias a ON a.token = k.token AND a.scheme = k.scheme
""")


@dataclass(frozen=True)
class Search:
    """What enquiries are looked for: all that is given has to hold. Times: since <= asked < until.

    `subjects` are whom they are about: an empty tuple is nobody, None is whoever.
    """

    since: datetime
    until: datetime
    member_id: int | None = None
    staff: str | None = None
    purpose: str | None = None
    consent_no: str | None = None
    subjects: tuple[UUID, ...] | None = None


def search(connection: Connection, wanted: Search, before: UUID | None, most: int) -> list[Entry]:
    """At the most `most` enquiries, the newest first, those before that number. By keys alone (see `statement`)."""
    if wanted.subjects is not None and not wanted.subjects:
        return []
    connection.execute(_BY_KEYS)
    values = _values(wanted) | {"before": before, "most": most}
    return [Entry(*row) for row in connection.execute(text(statement(wanted, before)), values)]


def statement(wanted: Search, before: UUID | None = None) -> str:
    """The query of a search: the places are found by one index, in its order; the rows by their own key."""
    listed = [] if wanted.subjects is None else ["d.subject_id = ANY (:subjects)"]
    listed += [
        f"d.{name} = :{name}"
        for name in ("member_id", "staff", "consent_no", "purpose")
        if _given(wanted, name)
    ]
    listed += ["d.id < :before"] if before else []
    source = "enquiry_directory" if wanted.subjects is None else "enquiry"
    return f"""
        SELECT {_COLUMNS} FROM (
            SELECT d.id, d.subject_id FROM {source} d
            WHERE d.id >= id_floor(:since) AND d.id < id_floor(:until) {"".join(f" AND {each}" for each in listed)}
            ORDER BY d.id DESC LIMIT :most) p
        CROSS JOIN LATERAL (SELECT q.* FROM enquiry q WHERE q.subject_id = p.subject_id AND q.id = p.id LIMIT 1) e
        JOIN member m ON m.id = e.member_id ORDER BY p.id DESC
    """


def subjects_asked(
    connection: Connection, member_id: int, since: datetime, until: datetime, most: int
) -> list[UUID]:
    """Whom a member's last `most` enquiries of that time were about, each once."""
    values = {"member": member_id, "since": since, "until": until, "most": most}
    connection.execute(_BY_KEYS)
    return list(connection.execute(_SUBJECTS, values).scalars())


def subjects_of(connection: Connection, keys: Sequence[tuple[bytes, int]]) -> tuple[UUID, ...]:
    """The subjects that any of these (token, scheme) lead to: of one identifier there is one, or none."""
    tokens, schemes = [UUID(bytes=token) for token, _ in keys], [scheme for _, scheme in keys]
    return tuple(connection.execute(_OF_KEYS, {"tokens": tokens, "schemes": schemes}).scalars())


def _given(wanted: Search, name: str) -> bool:
    return getattr(wanted, name) is not None


def _values(wanted: Search) -> dict[str, Any]:
    return {**vars(wanted), "subjects": None if wanted.subjects is None else list(wanted.subjects)}
