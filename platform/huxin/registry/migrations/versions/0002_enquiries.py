"""Enquiries and reservations, the three roles, and what each may touch."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Roles are the whole server's: another database of it may have made them, or be making them now.
ROLES = """
DO $$
DECLARE wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['huxin_owner', 'huxin_loader', 'huxin_app'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = wanted) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END LOOP;
END $$;
"""


MEMBERS = """
ALTER TABLE member ADD COLUMN kind TEXT DEFAULT 'microlender' NOT NULL, ADD COLUMN tier TEXT DEFAULT 'full' NOT NULL;
"""

BY_SUBJECT = """
CREATE TABLE enquiry (
    subject_id UUID NOT NULL,
    id UUID NOT NULL,
    member_id INTEGER NOT NULL,
    mobile_id UUID,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    purpose TEXT NOT NULL,
    product SMALLINT,
    amount BIGINT,
    consent_no TEXT,
    consent_until DATE,
    staff TEXT,
    reference TEXT,
    policy TEXT NOT NULL,
    tier TEXT NOT NULL,
    facts BYTEA NOT NULL,
    answer BYTEA NOT NULL,
    CONSTRAINT enquiry_pkey PRIMARY KEY (subject_id, id)
)
 PARTITION BY RANGE (id);

-- What is sealed does not compress.
ALTER TABLE enquiry ALTER COLUMN facts SET STORAGE EXTERNAL, ALTER COLUMN answer SET STORAGE EXTERNAL;

CREATE TABLE enquiry_default PARTITION OF enquiry DEFAULT WITH (toast_tuple_target = 8160);

CREATE TABLE reservation (
    subject_id UUID NOT NULL,
    id UUID NOT NULL,
    member_id INTEGER NOT NULL,
    enquiry_id UUID NOT NULL,
    state SMALLINT NOT NULL,
    product SMALLINT,
    amount BIGINT NOT NULL,
    granted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    loan_no TEXT,
    contract_no TEXT,
    CONSTRAINT reservation_pkey PRIMARY KEY (subject_id, id)
);
CREATE INDEX reservation_converted_idx ON reservation (member_id) WHERE state = 2;

CREATE TABLE loan_adverse (
    subject_id UUID NOT NULL,
    member_id INTEGER NOT NULL,
    loan_no TEXT NOT NULL,
    version INTEGER NOT NULL,
    since DATE NOT NULL,
    until DATE NOT NULL,
    dpd INTEGER NOT NULL,
    overdue_amount BIGINT NOT NULL,
    superseded_by UUID,
    CONSTRAINT loan_adverse_pkey PRIMARY KEY (subject_id, member_id, loan_no, version)
);
-- Of history written before: how long a version stood is not known, only that it did on its own day.
INSERT INTO loan_adverse
SELECT subject_id, member_id, loan_no, version, coalesce(overdue_since, as_of_date), as_of_date,
    coalesce(as_of_date - overdue_since, 0), overdue_amount, superseded_by
FROM loan_history WHERE (overdue_since IS NOT NULL OR class5 >= 3) AND void_by IS NULL AND ended_by IS NULL
ON CONFLICT DO NOTHING;
"""

BY_MEMBER = """
CREATE TABLE enquiry_key (
    member_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    digest BYTEA NOT NULL,
    enquiry_id UUID NOT NULL,
    subject_id UUID NOT NULL,
    CONSTRAINT enquiry_key_pkey PRIMARY KEY (member_id, key),
    CONSTRAINT enquiry_key_member_id_enquiry_id_key UNIQUE (member_id, enquiry_id)
);

CREATE TABLE reservation_key (
    member_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    digest BYTEA NOT NULL,
    reservation_id UUID NOT NULL,
    subject_id UUID NOT NULL,
    CONSTRAINT reservation_key_pkey PRIMARY KEY (member_id, key),
    CONSTRAINT reservation_key_member_id_reservation_id_key UNIQUE (member_id, reservation_id)
);

-- Room on each page for the next versions of its rows: they are updated with every enquiry.
CREATE UNLOGGED TABLE quota (
    member_id INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    minute BIGINT NOT NULL,
    minute_used INTEGER NOT NULL,
    day DATE NOT NULL,
    day_used INTEGER NOT NULL,
    CONSTRAINT quota_pkey PRIMARY KEY (member_id, purpose)
) WITH (fillfactor = 10);
"""

BY_MOBILE = """
CREATE TABLE mobile_alias (
    token UUID NOT NULL,
    scheme SMALLINT NOT NULL,
    mobile_id UUID NOT NULL,
    claimed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT mobile_alias_pkey PRIMARY KEY (token, scheme)
);

CREATE TABLE mobile_subject (
    mobile_id UUID NOT NULL,
    subject_id UUID NOT NULL,
    CONSTRAINT mobile_subject_pkey PRIMARY KEY (mobile_id, subject_id)
);

CREATE TABLE mobile_enquiry (
    mobile_id UUID NOT NULL,
    id UUID NOT NULL,
    member_id INTEGER NOT NULL,
    subject_id UUID NOT NULL,
    purpose TEXT NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT mobile_enquiry_pkey PRIMARY KEY (mobile_id, id)
);
"""

# The app sees rows of one member, named for the transaction; unnamed, none. The loader works for all of them.
ISOLATED = ("submission", "finding", "quarantine", "loan_key", "enquiry_key", "reservation_key")
POLICY = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
CREATE POLICY {table}_of_member ON {table} FOR SELECT TO huxin_app
    USING (member_id = NULLIF(current_setting('huxin.member', true), '')::int);
CREATE POLICY {table}_of_all ON {table} TO huxin_loader USING (true) WITH CHECK (true);
GRANT SELECT ON {table} TO huxin_app;
"""

# A COPY into a table with policies is refused to whoever they bind, and the night COPYs `loan_key`.
LOADER = """
DO $$
BEGIN
    IF NOT (SELECT rolbypassrls FROM pg_roles WHERE rolname = 'huxin_loader') THEN
        ALTER ROLE huxin_loader BYPASSRLS;
    END IF;
EXCEPTION WHEN OTHERS THEN NULL;  -- the role that migrates may not, or another database's migration did
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON alias, token_scheme, subject, loan, loan_history, loan_adverse, loan_key,
    submission, finding, quarantine TO huxin_loader;
GRANT SELECT, UPDATE ON member, reservation TO huxin_loader;
GRANT SELECT, INSERT ON outbox TO huxin_loader;
"""

# Kinds of tokens are no secret, and whoever asks has to number them.
APP = "GRANT SELECT ON token_scheme TO huxin_app"


def upgrade() -> None:
    """Tables, what the roles may touch, and the functions that huxin_app calls."""
    for statements in (ROLES, MEMBERS, BY_SUBJECT, BY_MEMBER, BY_MOBILE, LOADER, APP):
        op.execute(statements)
    for table in ISOLATED:
        op.execute(POLICY.format(table=table))
    install(op.get_bind(), "enquiry_parts", "enquiry_gather", "enquiry_record", "reservation")


def downgrade() -> None:
    """What was asked and promised cannot be unasked: restore a dump instead."""
    raise RuntimeError("0002 holds enquiries")
