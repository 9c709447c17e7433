"""Tables of what operators do for members: onboarding, what late members were told, and by which words."""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, Boolean, Column, Date, Integer, LargeBinary, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from huxin.registry.tables import metadata, moment_type

# by member_id -----------------------------------------------------------------------------------------
# One row for each member that came by the console. The test file itself is kept nowhere: its digest and its counts are.
onboarding = Table(
    "onboarding",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("contact", Text, nullable=False, server_default=text("''")),
    Column("keys_later", Boolean, nullable=False, server_default=text("false")),
    Column("begun_at", moment_type(), nullable=False),
    Column("begun_by", Text, nullable=False),
    Column("tested_at", moment_type()),
    Column("tested_by", Text),
    Column("test_passed", Boolean),
    Column("test_rows", BigInteger),
    Column("test_rejected", BigInteger),
    Column("test_sha256", LargeBinary),
    Column("ruleset", Text),
    Column("activated_at", moment_type()),
    Column("activated_by", Text),
)
# What a late member was told, as it was told: `words` in Chinese and English.
reminder = Table(
    "reminder",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("days", ARRAY(Date), nullable=False),
    Column("zh", Text, nullable=False),
    Column("en", Text, nullable=False),
    Column("sent_at", moment_type(), nullable=False),
    Column("sent_by", Text, nullable=False),
    Column("seen_at", moment_type()),
    Column("seen_by", Text),
)
# Acts on a member with who and when, for its page; each is a leaf of the log too, under the same number.
member_act = Table(
    "member_act",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Uuid, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", moment_type(), nullable=False),
)

# reference --------------------------------------------------------------------------------------------
# In place of the words of schemas/console/nudges.yaml.
nudge_words = Table(
    "nudge_words",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("zh", Text, nullable=False),
    Column("en", Text, nullable=False),
    Column("changed_at", moment_type(), nullable=False),
    Column("changed_by", Text, nullable=False),
)
