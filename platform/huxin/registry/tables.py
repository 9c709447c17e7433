"""The registry's tables, grouped by the key that would distribute them over nodes (see docs/architecture.md).

A statement touches one distribution key, primary keys begin with it, and no foreign key crosses groups.
Money is bigint cents, rates are 1/10000 of a percent, enums are the label codes of schemas/loan/v1.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData(
    naming_convention={"pk": "%(table_name)s_pkey", "uq": "%(table_name)s_%(column_0_N_name)s_key"}
)


def moment_type() -> DateTime:
    """A moment with its zone, as every time of the registry is stored."""
    return DateTime(timezone=True)


def version_columns(history: bool = False) -> list[Column[object]]:
    """The columns of one loan version, the same in `loan` and `loan_history`; the business columns last."""
    return [
        Column("submission_id", Uuid, nullable=False),
        Column("recorded_at", moment_type(), nullable=False),
        Column("as_of_date", Date, nullable=False),
        Column("version", Integer, primary_key=history, autoincrement=False, nullable=False),
        Column("ended_by", SmallInteger),
        Column("ended_on", Date),
        Column("stale_as_of", Date),
        Column("stale_by", Uuid),
        Column("void_by", Uuid),
        Column("name_mark", Uuid),
        # Of the mark, for keys are exchanged. Null: of the first keys, from before marks said so.
        Column("mark_scheme", SmallInteger),
        Column("digest", BigInteger, nullable=False),
        *business_columns(),
    ]


def business_columns() -> list[Column[object]]:
    """What a member says of one party's loan. dpd is kept as overdue_since; max_dpd only where it is greater."""
    return [
        Column("principal", BigInteger, nullable=False),
        Column("balance", BigInteger, nullable=False),
        Column("next_due_amount", BigInteger),
        Column("overdue_amount", BigInteger, nullable=False),
        Column("annual_rate", Integer),
        Column("max_dpd", Integer),
        Column("terms", Integer),
        Column("terms_left", Integer),
        Column("disbursed_on", Date, nullable=False),
        Column("due_on", Date, nullable=False),
        Column("closed_on", Date),
        Column("next_due_on", Date),
        Column("overdue_since", Date),
        Column("consent_until", Date),
        Column("adverse_notice_on", Date),
        Column("role", SmallInteger, nullable=False),
        Column("borrower_kind", SmallInteger, nullable=False),
        Column("product", SmallInteger, nullable=False),
        Column("guarantee", SmallInteger, nullable=False),
        Column("repayment_method", SmallInteger, nullable=False),
        Column("class5", SmallInteger, nullable=False),
        Column("status", SmallInteger, nullable=False),
        Column("special_event", SmallInteger),
        Column("hardship", SmallInteger),
        Column("currency", Text, nullable=False),
        Column("region", Text),
        Column("contract_no", Text),
        Column("purpose", Text),
        Column("consent_no", Text),
    ]


def type_names() -> dict[str, str]:
    """PostgreSQL's name of each business column's type, lower-case: bigint, integer, smallint, date, text."""
    return {column.name: str(column.type).lower() for column in business_columns()}


BUSINESS = tuple(column.name for column in business_columns())

# by token ---------------------------------------------------------------------------------------------
token_scheme = Table(
    "token_scheme",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("suite", Text, nullable=False),
    Column("id_type", Text, nullable=False),
    Column("entry_epoch", Integer, nullable=False),
    Column("registry_epoch", Integer, nullable=False),
    # See functions/schemes.sql.
    Column("state", SmallInteger, nullable=False, server_default=text("1")),
    Column("beside", ARRAY(SmallInteger), nullable=False, server_default=text("'{}'::smallint[]")),
    UniqueConstraint("suite", "id_type", "entry_epoch", "registry_epoch"),
)
alias = Table(
    "alias",
    metadata,
    Column("token", Uuid, primary_key=True),
    Column("scheme", SmallInteger, primary_key=True, autoincrement=False),
    Column("subject_id", Uuid, nullable=False),
    Column("claimed_at", moment_type(), nullable=False),
    # Where blind mode is on: all keys of the person lead to one subject (functions/blind_meeting.sql).
    Column("met", Boolean),
)

# by subject_id ----------------------------------------------------------------------------------------
loan = Table(
    "loan",
    metadata,
    Column("subject_id", Uuid, primary_key=True),
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("loan_no", Text, primary_key=True),
    *version_columns(),
)
loan_history = Table(
    "loan_history",
    metadata,
    Column("subject_id", Uuid, primary_key=True),
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("loan_no", Text, primary_key=True),
    *version_columns(history=True),
    Column("superseded_at", moment_type(), primary_key=True),
    Column("superseded_by", Uuid),
    postgresql_partition_by="RANGE (superseded_at)",
)

# by member_id -----------------------------------------------------------------------------------------
loan_key = Table(
    "loan_key",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("loan_no", Text, primary_key=True),
    Column("subject_id", Uuid, primary_key=True),
    Column("digest", BigInteger, nullable=False),
    Column("max_dpd", Integer),
    Column("version", Integer, nullable=False),
    Column("role", SmallInteger, nullable=False),
    Column("ended_by", SmallInteger),
    Column("stale", Boolean),
    Column("open", Boolean, nullable=False),
    # Of the mobile last given for this party: the same mark, the same number. Within one subject only.
    Column("mobile_mark", BigInteger),
)
submission = Table(
    "submission",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("id", Uuid, primary_key=True),
    Column("state", SmallInteger, nullable=False),
    Column("sender", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("data_digest", LargeBinary, nullable=False),
    Column("manifest_digest", LargeBinary, nullable=False),
    Column("contract", Text),
    Column("ruleset", Text),
    Column("as_of_date", Date),
    Column("sequence", Integer),
    Column("mode", SmallInteger),
    Column("record_count", BigInteger),
    Column("rows", BigInteger),
    Column("accepted", BigInteger),
    Column("rejected", BigInteger),
    Column("warned", BigInteger),
    Column("vanished", BigInteger),
    Column("codes", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("facts", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("confirmed", Boolean, nullable=False, server_default=text("false")),
    Column("attempt", Integer, nullable=False, server_default=text("1")),
    Column("received_at", moment_type(), nullable=False),
    Column("changed_at", moment_type(), nullable=False),
    Column("published_at", moment_type()),
    UniqueConstraint("member_id", "data_digest", "manifest_digest"),
    # Of all members by receipt: ids are made in that order.
    Index("submission_id_idx", "id"),
    Index("submission_waiting_idx", "id", postgresql_where=text("state = 4")),
)
finding = Table(
    "finding",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("submission_id", Uuid, primary_key=True),
    Column("record", BigInteger, primary_key=True, autoincrement=False),
    Column("code", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("line", BigInteger),
    Column("masked", Text),
)
quarantine = Table(
    "quarantine",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("submission_id", Uuid, primary_key=True),
    Column("rows", BigInteger, nullable=False),
    Column("file", Text, nullable=False),
    Column("sealed_at", moment_type(), nullable=False),
    Column("forgotten_at", moment_type()),
)

# reference and queues ---------------------------------------------------------------------------------
member = Table(
    "member",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'active'")),
    Column("as_of_date", Date),
    Column("as_of_sequence", Integer),
    Column("created_at", moment_type(), nullable=False),
    Column("kind", Text, nullable=False, server_default=text("'microlender'")),
    Column("tier", Text, nullable=False, server_default=text("'full'")),
)
outbox = Table(
    "outbox",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("recorded_at", moment_type(), nullable=False),
)
