"""Tables of the people who sign in to the console: persons, their invitations and sessions, waits, approvals.

No secret stands here readable: passwords as argon2id, TOTP secrets sealed, links and sessions as SHA-256.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from huxin.registry.tables import metadata, moment_type

# Of no member: member_id is 0 for the association's own people. `totp_step` is the last one that was used.
person = Table(
    "person",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("login", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("member_id", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("password", Text),
    Column("totp", LargeBinary),
    Column("totp_step", BigInteger, nullable=False, server_default=text("0")),
    Column("language", Text),
    Column("valid_until", moment_type()),
    Column("created_at", moment_type(), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("seen_at", moment_type()),
    UniqueConstraint("login"),
    Index("person_member_idx", "member_id", "login"),
)
# `purpose` is join or recover. The TOTP secret is made when the link is first opened: it stays what was scanned.
invitation = Table(
    "invitation",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("totp", LargeBinary),
    Column("created_at", moment_type(), nullable=False),
    Column("expires_at", moment_type(), nullable=False),
    Column("used_at", moment_type()),
    Index("invitation_person_idx", "person_id"),
)
console_session = Table(
    "console_session",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("begun_at", moment_type(), nullable=False),
    Column("seen_at", moment_type(), nullable=False),
    Index("console_session_person_idx", "person_id"),
)
# By the digest of what was typed as a name, so that one who is nobody waits as somebody does.
sign_in_wait = Table(
    "sign_in_wait",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("until", moment_type(), nullable=False),
    Column("last_at", moment_type(), nullable=False),
)
# An act that two have to want. `digest` is SHA-256 of act and argument; `state`: proposed, done, declined.
approval = Table(
    "approval",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("act", Text, nullable=False),
    Column("argument", JSONB, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("member_id", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposed_by", Uuid, nullable=False),
    Column("proposed_at", moment_type(), nullable=False),
    Column("expires_at", moment_type(), nullable=False),
    Column("decided_by", Uuid),
    Column("decided_at", moment_type()),
    # The same act is proposed once at a time.
    Index("approval_open_idx", "digest", unique=True, postgresql_where=text("state = 'proposed'")),
    Index("approval_proposed_idx", "proposed_at"),
)
