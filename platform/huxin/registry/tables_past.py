"""What stood before, of all that is changed in place: with loan_history, what the registry knew at any moment."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, Index, Integer, SmallInteger, Table, Text, Uuid, text

from huxin.registry.tables import metadata, moment_type

# by subject_id ----------------------------------------------------------------------------------------
# What withdrawing a submission undoes without a new version: that it called a loan stale, and the arrears it ended.
loan_stale_past = Table(
    "loan_stale_past",
    metadata,
    Column("subject_id", Uuid, primary_key=True),
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("loan_no", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("stale_by", Uuid, primary_key=True),
    Column("stale_as_of", Date, nullable=False),
    Column("marked_at", moment_type(), nullable=False),
    Column("taken_back_at", moment_type(), nullable=False),
)
loan_adverse_past = Table(
    "loan_adverse_past",
    metadata,
    Column("subject_id", Uuid, primary_key=True),
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("loan_no", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("superseded_by", Uuid, primary_key=True),
    Column("since", Date, nullable=False),
    Column("until", Date, nullable=False),
    Column("dpd", Integer, nullable=False),
    Column("overdue_amount", BigInteger, nullable=False),
    Column("taken_back_at", moment_type(), nullable=False),
)
# A trigger writes these two, whoever changes a reservation or a member.
reservation_past = Table(
    "reservation_past",
    metadata,
    Column("subject_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("superseded_at", moment_type(), primary_key=True),
    Column("state", SmallInteger, nullable=False),
    Column("expires_at", moment_type(), nullable=False),
    Column("loan_no", Text),
    Column("contract_no", Text),
    Index("reservation_past_converted_idx", "superseded_at", postgresql_where=text("state = 2")),
)

# reference --------------------------------------------------------------------------------------------
member_past = Table(
    "member_past",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("superseded_at", moment_type(), primary_key=True),
    Column("status", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("as_of_date", Date),
)
# Before such a moment what was known cannot be said any more, whatever is still held.
kept_since = Table("kept_since", metadata, Column("since", moment_type(), primary_key=True))
