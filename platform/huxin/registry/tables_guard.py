"""Tables of the enumeration guard: what was asked, in sums by day; alarms; honeytokens; limits of single members."""

from __future__ import annotations

from sqlalchemy import Column, Date, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from huxin.registry.tables import metadata, moment_type

# by subject_id ----------------------------------------------------------------------------------------
# A subject that is nobody. What leads to it is an alias like any other: nothing here tells its number.
honeytoken = Table(
    "honeytoken",
    metadata,
    Column("subject_id", Uuid, primary_key=True),
    Column("made_at", moment_type(), nullable=False),
)

# by member_id -----------------------------------------------------------------------------------------
# Fed by the outbox as enquiries leave it; honeytokens do not count. Days are Asia/Shanghai's.
enquiry_tally = Table(
    "enquiry_tally",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("purpose", Text, primary_key=True),
    Column("asked", Integer, nullable=False),
    Column("known", Integer, nullable=False),
)
# Of the subjects asked about on a day, those with whom the member had a loan when its nights were over.
enquiry_yield = Table(
    "enquiry_yield",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("purpose", Text, primary_key=True),
    Column("subjects", Integer, nullable=False),
    Column("borrowers", Integer, nullable=False),
)
# `about` is the purpose, or where an alarm is about one subject its subject_id; '' where there is neither.
alarm = Table(
    "alarm",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("window_from", Date, nullable=False),
    Column("window_until", Date, nullable=False),
    Column("figures", JSONB, nullable=False),
    Column("policy", Text),
    Column("first_seen", moment_type(), nullable=False),
    Column("last_seen", moment_type(), nullable=False),
    Column("state", Text, nullable=False, server_default=text("'open'")),
    Column("changed_at", moment_type()),
    Column("changed_by", Text),
    Column("note", Text),
    # What goes on is the same alarm until somebody closes it.
    Index(
        "alarm_going_on_idx",
        "member_id",
        "kind",
        "about",
        unique=True,
        postgresql_where=text("state <> 'closed'"),
    ),
    Index("alarm_closed_idx", "member_id", "kind", "about", postgresql_where=text("state = 'closed'")),
)
# Tighter than the policy's quota, for one member; null does not bind.
member_limit = Table(
    "member_limit",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("purpose", Text, primary_key=True),
    Column("per_minute", Integer),
    Column("per_day", Integer),
    Column("until", Date),
    Column("set_at", moment_type(), nullable=False),
)

# reference --------------------------------------------------------------------------------------------
# Until when a monitor has looked.
guard_run = Table(
    "guard_run",
    metadata,
    Column("monitor", Text, primary_key=True),
    Column("done_until", moment_type(), nullable=False),
)
