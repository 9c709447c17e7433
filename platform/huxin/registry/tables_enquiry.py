"""Tables of enquiries and reservations, grouped by the key that would distribute them (see tables.py)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from huxin.registry.tables import metadata, moment_type

# by subject_id ----------------------------------------------------------------------------------------
# Facts are what the answer was decided on, in JSON; the answer is sealed. Ids are UUIDv7 of `asked_at`.
enquiry = Table(
    "enquiry",
    metadata,
    Column("subject_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("member_id", Integer, nullable=False),
    Column("mobile_id", Uuid),
    Column("asked_at", moment_type(), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("product", SmallInteger),
    Column("amount", BigInteger),
    Column("consent_no", Text),
    Column("consent_until", Date),
    Column("staff", Text),
    Column("reference", Text),
    Column("policy", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("facts", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    postgresql_partition_by="RANGE (id)",
)
# States: see reservations.State. `expires_at` of a converted one is until when it waits for its loan.
reservation = Table(
    "reservation",
    metadata,
    Column("subject_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("member_id", Integer, nullable=False),
    Column("enquiry_id", Uuid, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("product", SmallInteger),
    Column("amount", BigInteger, nullable=False),
    Column("granted_at", moment_type(), nullable=False),
    Column("expires_at", moment_type(), nullable=False),
    Column("changed_at", moment_type(), nullable=False),
    Column("loan_no", Text),
    Column("contract_no", Text),
    Index("reservation_converted_idx", "member_id", postgresql_where=text("state = 2")),
)
# Which of a member's reservations about a subject a cap refused within the policy's hours, by their requests' digests.
reservation_refused = Table(
    "reservation_refused",
    metadata,
    Column("subject_id", Uuid, primary_key=True),
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, primary_key=True),
    Column("refused_at", moment_type(), nullable=False),
)
# An earlier version of a loan that was overdue or badly classed, in short: history has a partition for each
# month of five years, and an enquiry cannot look into sixty of them for each loan.
loan_adverse = Table(
    "loan_adverse",
    metadata,
    Column("subject_id", Uuid, primary_key=True),
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("loan_no", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("since", Date, nullable=False),
    Column("until", Date, nullable=False),
    Column("dpd", Integer, nullable=False),
    Column("overdue_amount", BigInteger, nullable=False),
    Column("superseded_by", Uuid),
)

# by member_id -----------------------------------------------------------------------------------------
# Directory and idempotency in one: what a member asked under which key, whom it was about, and whether it was for an
# application: then a reservation may stand on it.
enquiry_key = Table(
    "enquiry_key",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("enquiry_id", Uuid, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("reservable", Boolean, nullable=False, server_default=text("false")),
    UniqueConstraint("member_id", "enquiry_id"),
)
reservation_key = Table(
    "reservation_key",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("reservation_id", Uuid, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    UniqueConstraint("member_id", "reservation_id"),
)
# A crash forgets what was used of a minute's and a day's quota, which is nobody's loss.
quota = Table(
    "quota",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("purpose", Text, primary_key=True),
    Column("minute", BigInteger, nullable=False),
    Column("minute_used", Integer, nullable=False),
    Column("day", Date, nullable=False),
    Column("day_used", Integer, nullable=False),
    prefixes=["UNLOGGED"],
)
# Of the last day on which the day's quota refused any: how many, and the quota that refused the last.
quota_refused = Table(
    "quota_refused",
    metadata,
    Column("member_id", Integer, primary_key=True, autoincrement=False),
    Column("purpose", Text, primary_key=True),
    Column("day", Date, nullable=False),
    Column("per_day", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    prefixes=["UNLOGGED"],
)

# by mobile token, and by mobile_id: fed by the outbox and by the night --------------------------------
mobile_alias = Table(
    "mobile_alias",
    metadata,
    Column("token", Uuid, primary_key=True),
    Column("scheme", SmallInteger, primary_key=True, autoincrement=False),
    Column("mobile_id", Uuid, nullable=False),
    Column("claimed_at", moment_type(), nullable=False),
)
mobile_subject = Table(
    "mobile_subject",
    metadata,
    Column("mobile_id", Uuid, primary_key=True),
    Column("subject_id", Uuid, primary_key=True),
    Column("met_at", moment_type(), nullable=False, server_default=text("moment_now()")),
)
mobile_enquiry = Table(
    "mobile_enquiry",
    metadata,
    Column("mobile_id", Uuid, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("member_id", Integer, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("asked_at", moment_type(), nullable=False),
)
