"""Acts on a member: each a leaf of the log, and a line of the member's page with who and when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from huxin.registry.audit_acts import note_act

_ADD = text("""
    INSERT INTO member_act (member_id, id, topic, facts, by, at)
    VALUES (:member_id, :id, :topic, CAST(:facts AS jsonb), :by, :now)
""")
_LIST = text("""
    SELECT id, topic, facts, by, at FROM member_act
    WHERE member_id = :member_id AND (CAST(:before AS uuid) IS NULL OR id < :before) ORDER BY id DESC LIMIT :most
""")


@dataclass(frozen=True)
class MemberAct:
    """What somebody did to a member; `facts` are those of the leaf."""

    id: UUID
    topic: str
    facts: dict[str, Any]
    by: str
    at: datetime


def note_member_act(
    database: Connection, member_id: int, topic: str, facts: Mapping[str, Any], by: str, now: datetime
) -> UUID:
    """`note_act` with who did it, kept for the member's page as well; the number of both."""
    id_ = note_act(database, topic, {**facts, "by": by}, now)
    said = {"member_id": member_id, "id": id_, "topic": topic, "facts": json.dumps(dict(facts))}
    database.execute(_ADD, said | {"by": by, "now": now})
    return id_


def member_acts(
    database: Connection, member_id: int, before: UUID | None = None, most: int = 51
) -> list[MemberAct]:
    """The newest first, those before one."""
    values = {"member_id": member_id, "before": before, "most": most}
    return [MemberAct(*row) for row in database.execute(_LIST, values)]
