"""What late members were told, and the words that operators put in place of those shipped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, text

from huxin.ids import id_at

_COLUMNS = "member_id, id, kind, days, zh, en, sent_at, sent_by, seen_at, seen_by"
_ADD = text("""
    INSERT INTO reminder (member_id, id, kind, days, zh, en, sent_at, sent_by)
    VALUES (:member_id, :id, :kind, :days, :zh, :en, :now, :by)
""")
_OF = text(f"""
    SELECT {_COLUMNS} FROM reminder WHERE member_id = :member_id AND (CAST(:before AS uuid) IS NULL OR id < :before)
    ORDER BY id DESC LIMIT :most
""")
_LAST = text(f"""
    SELECT DISTINCT ON (member_id) {_COLUMNS} FROM reminder WHERE member_id = ANY (:members)
    ORDER BY member_id, id DESC
""")
_UNSEEN = text("SELECT count(*) FROM reminder WHERE member_id = :member_id AND seen_at IS NULL")
_SEEN = text("""
    UPDATE reminder SET seen_at = :now, seen_by = :by
    WHERE member_id = :member_id AND id = :id AND seen_at IS NULL RETURNING id
""")
_TAKE_BACK = text(
    "DELETE FROM reminder WHERE member_id = :member_id AND id = :id AND seen_at IS NULL RETURNING kind"
)
_WORDS = text("SELECT kind, zh, en, changed_at, changed_by FROM nudge_words")
_SET_WORDS = text("""
    INSERT INTO nudge_words AS w (kind, zh, en, changed_at, changed_by) VALUES (:kind, :zh, :en, :now, :by)
    ON CONFLICT (kind) DO UPDATE SET zh = excluded.zh, en = excluded.en, changed_at = excluded.changed_at,
        changed_by = excluded.changed_by
""")
_DROP_WORDS = text("DELETE FROM nudge_words WHERE kind = :kind")


@dataclass(frozen=True)
class Reminder:
    """One message as it was sent, about days of one kind; seen once the member's people said so."""

    member_id: int
    id: UUID
    kind: str
    days: Sequence[date]
    zh: str
    en: str
    sent_at: datetime
    sent_by: str
    seen_at: datetime | None
    seen_by: str | None


@dataclass(frozen=True)
class Words:
    """A template that an administrator has put in place of the one shipped."""

    kind: str
    zh: str
    en: str
    changed_at: datetime
    changed_by: str


def add_reminder(
    database: Connection,
    member_id: int,
    kind: str,
    days: Iterable[date],
    words: tuple[str, str],
    by: str,
    now: datetime,
) -> UUID:
    """Notes that a member was told something, in Chinese and English; its number."""
    id_ = id_at(now)
    values = {"member_id": member_id, "id": id_, "kind": kind, "days": sorted(days), "by": by, "now": now}
    database.execute(_ADD, values | {"zh": words[0], "en": words[1]})
    return id_


def reminders_of(
    database: Connection, member_id: int, before: UUID | None = None, most: int = 51
) -> list[Reminder]:
    """What a member was told, the newest first."""
    values = {"member_id": member_id, "before": before, "most": most}
    return [Reminder(**row) for row in database.execute(_OF, values).mappings()]


def last_reminders(database: Connection, members: Sequence[int]) -> dict[int, Reminder]:
    """The newest of each of these members that was told anything."""
    rows = database.execute(_LAST, {"members": list(members)}).mappings()
    return {row["member_id"]: Reminder(**row) for row in rows}


def count_unseen(database: Connection, member_id: int) -> int:
    """How many a member has not marked as seen."""
    return int(database.execute(_UNSEEN, {"member_id": member_id}).scalar_one())


def mark_seen(database: Connection, member_id: int, id_: UUID, by: str, now: datetime) -> bool:
    """Marks one as seen; False where there is none that is not yet."""
    values = {"member_id": member_id, "id": id_, "by": by, "now": now}
    return database.execute(_SEEN, values).scalar() is not None


def take_back(database: Connection, member_id: int, id_: UUID) -> str | None:
    """Takes one back that the member has not seen; its kind, None where there is none."""
    found = database.execute(_TAKE_BACK, {"member_id": member_id, "id": id_}).scalar()
    return None if found is None else str(found)


def own_words(database: Connection) -> dict[str, Words]:
    """The operators' own templates by kind."""
    return {row["kind"]: Words(**row) for row in database.execute(_WORDS).mappings()}


def set_words(database: Connection, kind: str, zh: str, en: str, by: str, now: datetime) -> None:
    """Puts a template in place of the one shipped."""
    database.execute(_SET_WORDS, {"kind": kind, "zh": zh, "en": en, "by": by, "now": now})


def drop_words(database: Connection, kind: str) -> bool:
    """Goes back to the one shipped; whether there was another."""
    return bool(database.execute(_DROP_WORDS, {"kind": kind}).rowcount)
