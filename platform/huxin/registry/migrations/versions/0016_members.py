"""Members on their way in, what late members were told, and the words of it."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE onboarding (
    member_id INTEGER NOT NULL,
    contact TEXT DEFAULT '' NOT NULL,
    keys_later BOOLEAN DEFAULT false NOT NULL,
    begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
    begun_by TEXT NOT NULL,
    tested_at TIMESTAMP WITH TIME ZONE,
    tested_by TEXT,
    test_passed BOOLEAN,
    test_rows BIGINT,
    test_rejected BIGINT,
    test_sha256 BYTEA,
    ruleset TEXT,
    activated_at TIMESTAMP WITH TIME ZONE,
    activated_by TEXT,
    CONSTRAINT onboarding_pkey PRIMARY KEY (member_id),
    -- Whatever the program believes: nobody becomes active whose file has not passed.
    CONSTRAINT onboarding_tested CHECK (activated_at IS NULL OR test_passed IS TRUE)
);

CREATE TABLE reminder (
    member_id INTEGER NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    days DATE[] NOT NULL,
    zh TEXT NOT NULL,
    en TEXT NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sent_by TEXT NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE,
    seen_by TEXT,
    CONSTRAINT reminder_pkey PRIMARY KEY (member_id, id)
);

CREATE TABLE member_act (
    member_id INTEGER NOT NULL,
    id UUID NOT NULL,
    topic TEXT NOT NULL,
    facts JSONB NOT NULL,
    by TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT member_act_pkey PRIMARY KEY (member_id, id)
);

CREATE TABLE nudge_words (
    kind TEXT NOT NULL,
    zh TEXT NOT NULL,
    en TEXT NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_by TEXT NOT NULL,
    CONSTRAINT nudge_words_pkey PRIMARY KEY (kind)
);
"""

# Of the day that a member joins hangs from when on it owes reports: it joins when it becomes active.
GRANTS = """
GRANT SELECT, INSERT, UPDATE ON onboarding TO huxin_console;
GRANT SELECT, INSERT, UPDATE (seen_at, seen_by), DELETE ON reminder TO huxin_console;
GRANT SELECT, INSERT ON member_act TO huxin_console;
GRANT SELECT, INSERT, UPDATE, DELETE ON nudge_words TO huxin_console;
GRANT UPDATE (created_at) ON member TO huxin_console;
GRANT SELECT ON policy_change TO huxin_console;
GRANT SELECT, UPDATE (done_at) ON key_request TO huxin_console;
"""

# A member's own people see what their member was told, and no other; its row too, and nothing of others' rows.
POLICIES = """
ALTER TABLE reminder ENABLE ROW LEVEL SECURITY;
CREATE POLICY reminder_of_console ON reminder TO huxin_console
    USING (current_setting('huxin.operator', true) = 'yes'
        OR member_id = NULLIF(current_setting('huxin.member', true), '')::int);
ALTER TABLE onboarding ENABLE ROW LEVEL SECURITY;
CREATE POLICY onboarding_of_console ON onboarding TO huxin_console
    USING (current_setting('huxin.operator', true) = 'yes'
        OR member_id = NULLIF(current_setting('huxin.member', true), '')::int);
"""


# A role that may write no policy may not lock the table by itself, yet a member's tier is set under that lock.
HOLD = """
CREATE FUNCTION policy_hold() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    LOCK TABLE policy_change IN SHARE ROW EXCLUSIVE MODE;
END $$;
REVOKE ALL ON FUNCTION policy_hold() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION policy_hold() TO huxin_console;
"""


def upgrade() -> None:
    """The tables, and what the console's role may touch."""
    for statements in (TABLES, HOLD, GRANTS, POLICIES):
        op.execute(statements)


def downgrade() -> None:
    """Who was told what would be forgotten: restore a dump instead."""
    raise RuntimeError("0016 holds what members were told")
