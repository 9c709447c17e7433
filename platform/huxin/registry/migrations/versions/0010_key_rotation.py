"""Keys that are exchanged: schemes that open and close, who reads the keyrings, what two operators agreed to."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# A column with a constant default, or with none, is added without touching a row.
COLUMNS = """
ALTER TABLE token_scheme ADD COLUMN state SMALLINT NOT NULL DEFAULT 1;
ALTER TABLE token_scheme ADD COLUMN beside SMALLINT[] NOT NULL DEFAULT '{}'::smallint[];
ALTER TABLE loan ADD COLUMN mark_scheme SMALLINT;
ALTER TABLE loan_history ADD COLUMN mark_scheme SMALLINT;
"""

TABLES = """
CREATE TABLE key_reader (
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    versions JSONB NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    read_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT key_reader_pkey PRIMARY KEY (id)
);

CREATE TABLE key_epoch (
    zone TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    state TEXT NOT NULL,
    check_value TEXT NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT key_epoch_pkey PRIMARY KEY (zone, epoch)
);

CREATE TABLE key_request (
    id UUID NOT NULL,
    zone TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    check_value TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    requested_with UUID NOT NULL,
    requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    signature BYTEA NOT NULL,
    approved_by TEXT,
    approved_with UUID,
    approved_at TIMESTAMP WITH TIME ZONE,
    approval BYTEA,
    done_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT key_request_pkey PRIMARY KEY (id)
);
CREATE INDEX key_request_epoch_idx ON key_request (zone, epoch);
"""

LOADER = "GRANT SELECT, INSERT, UPDATE, DELETE ON key_reader TO huxin_loader"
LOADER_CALLS = """
GRANT EXECUTE ON FUNCTION key_reader_lock, key_reader_here, key_reader_gone, schemes_held, schemes_open,
    schemes_claimed, scheme_followed TO huxin_loader
"""


def upgrade() -> None:
    """Marks name their scheme, and an enquiry brings the marks of every epoch in force, as it does tokens."""
    op.execute(COLUMNS)
    op.execute(TABLES)
    op.execute(LOADER)
    # Their parameters change, which replacing a function cannot.
    op.execute("""
        DROP FUNCTION IF EXISTS enquiry_gather(integer, text, uuid[], smallint[], boolean, uuid, uuid[], smallint[],
            timestamptz, date, integer, integer)
    """)
    op.execute("""
        DROP FUNCTION IF EXISTS enquiry_facts_at(integer, uuid, uuid, boolean, uuid, timestamptz, timestamptz, date,
            integer)
    """)
    install(op.get_bind(), "schemes", "key_readers", "enquiry_gather", "replay")
    op.execute(LOADER_CALLS)


def downgrade() -> None:
    """Once a key has been exchanged, an earlier program cannot read the marks."""
    raise RuntimeError("0010 only goes forward")
