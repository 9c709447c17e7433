"""Tables of policies that operators change: proposals, approvals, withdrawals. Rows are added and never taken away."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Date, Index, Table, Text, Uuid, text

from huxin.registry.tables import metadata, moment_type

# reference --------------------------------------------------------------------------------------------
# Beside the versions of schemas/policy/enquiry.yaml; `document` is one entry of it, `effective_on` counts and not the
# document's. An approved one is in force from its day on, and for ever: stored answers are worked out again by it.
policy_change = Table(
    "policy_change",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Text, nullable=False),
    Column("effective_on", Date, nullable=False),
    Column("document", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'proposed'")),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", moment_type(), nullable=False),
    Column("approved_by", Text),
    Column("approved_at", moment_type()),
    Column("withdrawn_by", Text),
    Column("withdrawn_at", moment_type()),
    # Of whichever program writes here: nobody approves what is their own.
    CheckConstraint("lower(approved_by) <> lower(proposed_by)", name="policy_change_four_eyes"),
    Index("policy_change_version_idx", "version", unique=True, postgresql_where=text("state <> 'withdrawn'")),
    Index("policy_change_day_idx", "effective_on", unique=True, postgresql_where=text("state = 'approved'")),
)
