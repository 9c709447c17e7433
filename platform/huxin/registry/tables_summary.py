"""Tables that the night sums up as it publishes, so that no page of the console walks through loans or enquiries."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, Index, Integer, SmallInteger, Table, Text, Uuid, text

from huxin.registry.tables import metadata, moment_type

# by member_id -----------------------------------------------------------------------------------------
# Of a member's submissions for one day: how many stand in which end state, and what the published ones hold. A trigger
# on `submission` writes these two, whoever changes one (see functions/summaries.sql).
report_day = Table(
    "report_day",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("files", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("withdrawn", Integer, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("warned", BigInteger, nullable=False),
    Column("vanished", BigInteger, nullable=False),
    Column("first_at", moment_type()),
    Column("last_at", moment_type()),
    # Of the book as the last load for that day left it (see member_book_day).
    Column("loans", BigInteger),
    Column("outstanding", BigInteger),
    Index("report_day_day_idx", "day", "member_id"),
)
# Findings of the published and the refused submissions of a day, by the code of their check.
report_code = Table(
    "report_code",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("hits", BigInteger, nullable=False),
    Index("report_code_day_idx", "day", "member_id"),
)
# A member's open loans by their class, a loan once for each primary party that stands. The load writes it from what it
# adds and takes away; money in cents. `member_book_day` is the book as the member's last load for that day left it.
member_book = Table(
    "member_book",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("class5", SmallInteger, primary_key=True, autoincrement=False),
    Column("loans", BigInteger, nullable=False),
    Column("outstanding", BigInteger, nullable=False),
    Column("overdue_loans", BigInteger, nullable=False),
    Column("overdue_amount", BigInteger, nullable=False),
)
member_book_day = Table(
    "member_book_day",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("class5", SmallInteger, primary_key=True, autoincrement=False),
    Column("loans", BigInteger, nullable=False),
    Column("outstanding", BigInteger, nullable=False),
    Column("overdue_loans", BigInteger, nullable=False),
    Column("overdue_amount", BigInteger, nullable=False),
)
# What operators grant: days on which nothing is due, more time for a day, a missed day to be made up for.
# member_id 0 stands for every member. `reason` is a code, never somebody's words.
reporting_term = Table(
    "reporting_term",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("until", moment_type()),
    Column("reason", Text, nullable=False),
    Column("set_at", moment_type(), nullable=False),
    Column("set_by", Text, nullable=False),
    Index("reporting_term_day_idx", "day"),
)
# Whom an enquiry was about and what operators look it up by; fed by the outbox, for the enquiries' own key begins with
# the subject. Ids are UUIDv7, so by id is by time.
enquiry_directory = Table(
    "enquiry_directory",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("member_id", Integer, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("staff", Text),
    Column("consent_no", Text),
    Index("enquiry_directory_member_idx", "member_id", "id"),
    Index("enquiry_directory_purpose_idx", "purpose", "id"),
    Index("enquiry_directory_staff_idx", "staff", "id", postgresql_where=text("staff IS NOT NULL")),
    Index(
        "enquiry_directory_consent_idx", "consent_no", "id", postgresql_where=text("consent_no IS NOT NULL")
    ),
)

# reference --------------------------------------------------------------------------------------------
# The sector at the close of a night: every member's book at that day, or its last one before it.
sector_book = Table(
    "sector_book",
    metadata,
    Column("day", Date, primary_key=True),
    Column("class5", SmallInteger, primary_key=True, autoincrement=False),
    Column("members", Integer, nullable=False),
    Column("loans", BigInteger, nullable=False),
    Column("outstanding", BigInteger, nullable=False),
    Column("overdue_loans", BigInteger, nullable=False),
    Column("overdue_amount", BigInteger, nullable=False),
)
# How many subjects owe to how many members, 5 for five or more; counted once a night over all loans.
sector_lenders = Table(
    "sector_lenders",
    metadata,
    Column("day", Date, primary_key=True),
    Column("lenders", SmallInteger, primary_key=True, autoincrement=False),
    Column("subjects", BigInteger, nullable=False),
    Column("counted_at", moment_type(), nullable=False),
)
