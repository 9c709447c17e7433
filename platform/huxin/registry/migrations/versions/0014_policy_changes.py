"""Policies that operators propose and approve."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE policy_change (
    id UUID NOT NULL,
    version TEXT NOT NULL,
    effective_on DATE NOT NULL,
    document TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    state TEXT DEFAULT 'proposed' NOT NULL,
    proposed_by TEXT NOT NULL,
    proposed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    approved_by TEXT,
    approved_at TIMESTAMP WITH TIME ZONE,
    withdrawn_by TEXT,
    withdrawn_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT policy_change_pkey PRIMARY KEY (id),
    CONSTRAINT policy_change_four_eyes CHECK (lower(approved_by) <> lower(proposed_by))
);
CREATE UNIQUE INDEX policy_change_version_idx ON policy_change (version) WHERE state <> 'withdrawn';
CREATE UNIQUE INDEX policy_change_day_idx ON policy_change (effective_on) WHERE state = 'approved';
"""


def upgrade() -> None:
    """The one table."""
    op.execute(TABLES)


def downgrade() -> None:
    """Answers were worked out by what is in it: restore a dump instead."""
    raise RuntimeError("0014 holds policies that answers were worked out by")
