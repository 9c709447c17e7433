"""The registry as it is first laid out: aliases by token, loans by subject, submissions by member."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE alias (
    token UUID NOT NULL,
    scheme SMALLINT NOT NULL,
    subject_id UUID NOT NULL,
    claimed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT alias_pkey PRIMARY KEY (token, scheme)
);

CREATE TABLE finding (
    member_id INTEGER NOT NULL,
    submission_id UUID NOT NULL,
    record BIGINT NOT NULL,
    code TEXT NOT NULL,
    field TEXT NOT NULL,
    line BIGINT,
    masked TEXT,
    CONSTRAINT finding_pkey PRIMARY KEY (member_id, submission_id, record, code, field)
);

CREATE TABLE loan (
    subject_id UUID NOT NULL,
    member_id INTEGER NOT NULL,
    loan_no TEXT NOT NULL,
    submission_id UUID NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    as_of_date DATE NOT NULL,
    version INTEGER NOT NULL,
    ended_by SMALLINT,
    ended_on DATE,
    stale_as_of DATE,
    stale_by UUID,
    void_by UUID,
    name_mark UUID,
    digest BIGINT NOT NULL,
    principal BIGINT NOT NULL,
    balance BIGINT NOT NULL,
    next_due_amount BIGINT,
    overdue_amount BIGINT NOT NULL,
    annual_rate INTEGER,
    max_dpd INTEGER,
    terms INTEGER,
    terms_left INTEGER,
    disbursed_on DATE NOT NULL,
    due_on DATE NOT NULL,
    closed_on DATE,
    next_due_on DATE,
    overdue_since DATE,
    consent_until DATE,
    adverse_notice_on DATE,
    role SMALLINT NOT NULL,
    borrower_kind SMALLINT NOT NULL,
    product SMALLINT NOT NULL,
    guarantee SMALLINT NOT NULL,
    repayment_method SMALLINT NOT NULL,
    class5 SMALLINT NOT NULL,
    status SMALLINT NOT NULL,
    special_event SMALLINT,
    hardship SMALLINT,
    currency TEXT NOT NULL,
    region TEXT,
    contract_no TEXT,
    purpose TEXT,
    consent_no TEXT,
    CONSTRAINT loan_pkey PRIMARY KEY (subject_id, member_id, loan_no)
);

CREATE TABLE loan_history (
    subject_id UUID NOT NULL,
    member_id INTEGER NOT NULL,
    loan_no TEXT NOT NULL,
    submission_id UUID NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    as_of_date DATE NOT NULL,
    version INTEGER NOT NULL,
    ended_by SMALLINT,
    ended_on DATE,
    stale_as_of DATE,
    stale_by UUID,
    void_by UUID,
    name_mark UUID,
    digest BIGINT NOT NULL,
    principal BIGINT NOT NULL,
    balance BIGINT NOT NULL,
    next_due_amount BIGINT,
    overdue_amount BIGINT NOT NULL,
    annual_rate INTEGER,
    max_dpd INTEGER,
    terms INTEGER,
    terms_left INTEGER,
    disbursed_on DATE NOT NULL,
    due_on DATE NOT NULL,
    closed_on DATE,
    next_due_on DATE,
    overdue_since DATE,
    consent_until DATE,
    adverse_notice_on DATE,
    role SMALLINT NOT NULL,
    borrower_kind SMALLINT NOT NULL,
    product SMALLINT NOT NULL,
    guarantee SMALLINT NOT NULL,
    repayment_method SMALLINT NOT NULL,
    class5 SMALLINT NOT NULL,
    status SMALLINT NOT NULL,
    special_event SMALLINT,
    hardship SMALLINT,
    currency TEXT NOT NULL,
    region TEXT,
    contract_no TEXT,
    purpose TEXT,
    consent_no TEXT,
    superseded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    superseded_by UUID,
    CONSTRAINT loan_history_pkey PRIMARY KEY (subject_id, member_id, loan_no, version, superseded_at)
)
 PARTITION BY RANGE (superseded_at);

CREATE TABLE loan_key (
    member_id INTEGER NOT NULL,
    loan_no TEXT NOT NULL,
    subject_id UUID NOT NULL,
    digest BIGINT NOT NULL,
    max_dpd INTEGER,
    version INTEGER NOT NULL,
    role SMALLINT NOT NULL,
    ended_by SMALLINT,
    stale BOOLEAN,
    open BOOLEAN NOT NULL,
    CONSTRAINT loan_key_pkey PRIMARY KEY (member_id, loan_no, subject_id)
);

CREATE TABLE member (
    id SERIAL NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT DEFAULT 'active' NOT NULL,
    as_of_date DATE,
    as_of_sequence INTEGER,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT member_pkey PRIMARY KEY (id),
    CONSTRAINT member_code_key UNIQUE (code)
);

CREATE TABLE outbox (
    id UUID NOT NULL,
    topic TEXT NOT NULL,
    body JSONB NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT outbox_pkey PRIMARY KEY (id)
);

CREATE TABLE quarantine (
    member_id INTEGER NOT NULL,
    submission_id UUID NOT NULL,
    rows BIGINT NOT NULL,
    file TEXT NOT NULL,
    sealed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    forgotten_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT quarantine_pkey PRIMARY KEY (member_id, submission_id)
);

CREATE TABLE subject (
    subject_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT subject_pkey PRIMARY KEY (subject_id)
);

CREATE TABLE submission (
    member_id INTEGER NOT NULL,
    id UUID NOT NULL,
    state SMALLINT NOT NULL,
    sender TEXT NOT NULL,
    file TEXT NOT NULL,
    data_digest BYTEA NOT NULL,
    manifest_digest BYTEA NOT NULL,
    contract TEXT,
    ruleset TEXT,
    as_of_date DATE,
    sequence INTEGER,
    mode SMALLINT,
    record_count BIGINT,
    rows BIGINT,
    accepted BIGINT,
    rejected BIGINT,
    warned BIGINT,
    vanished BIGINT,
    codes JSONB DEFAULT '{}'::jsonb NOT NULL,
    facts JSONB DEFAULT '{}'::jsonb NOT NULL,
    confirmed BOOLEAN DEFAULT false NOT NULL,
    attempt INTEGER DEFAULT 1 NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT submission_pkey PRIMARY KEY (member_id, id),
    CONSTRAINT submission_member_id_data_digest_manifest_digest_key
        UNIQUE (member_id, data_digest, manifest_digest)
);

CREATE TABLE token_scheme (
    id SMALLINT NOT NULL,
    suite TEXT NOT NULL,
    id_type TEXT NOT NULL,
    entry_epoch INTEGER NOT NULL,
    registry_epoch INTEGER NOT NULL,
    CONSTRAINT token_scheme_pkey PRIMARY KEY (id),
    CONSTRAINT token_scheme_suite_id_type_entry_epoch_registry_epoch_key
        UNIQUE (suite, id_type, entry_epoch, registry_epoch)
);

"""


def upgrade() -> None:
    """Creates every table; an unlogged table or a partition of history is made by the load itself."""
    op.execute(TABLES)


def downgrade() -> None:
    """There is no older layout to go back to: restore a dump instead."""
    raise RuntimeError("0001 is the first layout")
