"""People of the console, and the role by which it reads: all that pages show, and no loan, token or answer."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE person (
    id UUID NOT NULL,
    login TEXT NOT NULL,
    role TEXT NOT NULL,
    member_id INTEGER NOT NULL,
    state TEXT NOT NULL,
    password TEXT,
    totp BYTEA,
    totp_step BIGINT DEFAULT 0 NOT NULL,
    language TEXT,
    valid_until TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_by TEXT NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT person_pkey PRIMARY KEY (id),
    CONSTRAINT person_login_key UNIQUE (login)
);
CREATE INDEX person_member_idx ON person (member_id, login);

CREATE TABLE invitation (
    digest BYTEA NOT NULL,
    person_id UUID NOT NULL,
    purpose TEXT NOT NULL,
    totp BYTEA,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT invitation_pkey PRIMARY KEY (digest)
);
CREATE INDEX invitation_person_idx ON invitation (person_id);

CREATE TABLE console_session (
    digest BYTEA NOT NULL,
    person_id UUID NOT NULL,
    begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT console_session_pkey PRIMARY KEY (digest)
);
CREATE INDEX console_session_person_idx ON console_session (person_id);

CREATE TABLE sign_in_wait (
    digest BYTEA NOT NULL,
    failures INTEGER NOT NULL,
    until TIMESTAMP WITH TIME ZONE NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT sign_in_wait_pkey PRIMARY KEY (digest)
);

CREATE TABLE approval (
    id UUID NOT NULL,
    act TEXT NOT NULL,
    argument JSONB NOT NULL,
    digest BYTEA NOT NULL,
    member_id INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    proposed_by UUID NOT NULL,
    proposed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    decided_by UUID,
    decided_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT approval_pkey PRIMARY KEY (id),
    -- Whatever the program believes: nobody approves what he has proposed.
    CONSTRAINT approval_two_people CHECK (state <> 'done' OR decided_by <> proposed_by)
);
CREATE UNIQUE INDEX approval_open_idx ON approval (digest) WHERE state = 'proposed';
CREATE INDEX approval_proposed_idx ON approval (proposed_at);
"""

ROLE = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'huxin_console') THEN
        CREATE ROLE huxin_console NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of this server made it just now
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'role huxin_console is missing: a superuser makes it (docker/postgres/10-databases.sql)';
END $$;
"""

GRANTS = """
GRANT SELECT, INSERT, UPDATE ON person, invitation, approval TO huxin_console;
GRANT SELECT, INSERT, UPDATE, DELETE ON console_session, sign_in_wait TO huxin_console;
GRANT INSERT ON outbox TO huxin_console;
GRANT SELECT, INSERT, UPDATE (name, status, kind, tier) ON member TO huxin_console;
GRANT USAGE ON SEQUENCE member_id_seq TO huxin_console;
GRANT EXECUTE ON FUNCTION moment_now() TO huxin_console;
GRANT SELECT, INSERT, UPDATE (revoked_at) ON credential TO huxin_console;
GRANT SELECT, UPDATE (state, changed_at, changed_by, note) ON alarm TO huxin_console;
GRANT SELECT ON enquiry_tally, enquiry_yield, guard_run, alembic_version TO huxin_console;
GRANT SELECT, INSERT, UPDATE, DELETE ON member_limit TO huxin_console;
GRANT SELECT ON audit_leaf, audit_checkpoint TO huxin_console;
GRANT EXECUTE ON FUNCTION audit_latest(), audit_leaf_of(uuid, integer, text),
    audit_hashes(integer[], bigint[], bigint[]) TO huxin_console;
"""

# Rows of one member, named for the transaction, or of all where the transaction is an operator's; unsaid, none.
POLICY = """
CREATE POLICY {table}_of_console ON {table} FOR SELECT TO huxin_console
    USING (current_setting('huxin.operator', true) = 'yes'
        OR member_id = NULLIF(current_setting('huxin.member', true), '')::int);
GRANT SELECT ON {table} TO huxin_console;
"""
SHOWN = ("submission", "finding", "quarantine")


def upgrade() -> None:
    """Tables, the role, and what it may touch."""
    for statements in (TABLES, ROLE, GRANTS):
        op.execute(statements)
    for table in SHOWN:
        op.execute(POLICY.format(table=table))


def downgrade() -> None:
    """Who may act for whom would be forgotten: restore a dump instead."""
    raise RuntimeError("0011 holds people")
