"""The enumeration guard: sums of enquiries, alarms, honeytokens, limits of single members."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE honeytoken (
    subject_id UUID NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT honeytoken_pkey PRIMARY KEY (subject_id)
);

CREATE TABLE enquiry_tally (
    member_id INTEGER NOT NULL,
    day DATE NOT NULL,
    purpose TEXT NOT NULL,
    asked INTEGER NOT NULL,
    known INTEGER NOT NULL,
    CONSTRAINT enquiry_tally_pkey PRIMARY KEY (member_id, day, purpose)
) WITH (fillfactor = 50);

CREATE TABLE enquiry_yield (
    member_id INTEGER NOT NULL,
    day DATE NOT NULL,
    purpose TEXT NOT NULL,
    subjects INTEGER NOT NULL,
    borrowers INTEGER NOT NULL,
    CONSTRAINT enquiry_yield_pkey PRIMARY KEY (member_id, day, purpose)
);

CREATE TABLE alarm (
    member_id INTEGER NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    about TEXT NOT NULL,
    window_from DATE NOT NULL,
    window_until DATE NOT NULL,
    figures JSONB NOT NULL,
    policy TEXT,
    first_seen TIMESTAMP WITH TIME ZONE NOT NULL,
    last_seen TIMESTAMP WITH TIME ZONE NOT NULL,
    state TEXT DEFAULT 'open' NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE,
    changed_by TEXT,
    note TEXT,
    CONSTRAINT alarm_pkey PRIMARY KEY (member_id, id)
);
CREATE UNIQUE INDEX alarm_going_on_idx ON alarm (member_id, kind, about) WHERE state <> 'closed';
CREATE INDEX alarm_closed_idx ON alarm (member_id, kind, about) WHERE state = 'closed';

CREATE TABLE member_limit (
    member_id INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    per_minute INTEGER,
    per_day INTEGER,
    until DATE,
    set_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT member_limit_pkey PRIMARY KEY (member_id, purpose)
);

CREATE TABLE guard_run (
    monitor TEXT NOT NULL,
    done_until TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT guard_run_pkey PRIMARY KEY (monitor)
);
"""


def upgrade() -> None:
    """Tables, and what the API may know of them."""
    op.execute(TABLES)
    install(op.get_bind(), "guard")


def downgrade() -> None:
    """Alarms and what was answered to them cannot be unmade: restore a dump instead."""
    raise RuntimeError("0009 holds alarms")
