"""What is changed in place keeps what it was, so that any moment's facts can be told again."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE loan_stale_past (
    subject_id UUID NOT NULL,
    member_id INTEGER NOT NULL,
    loan_no TEXT NOT NULL,
    version INTEGER NOT NULL,
    stale_by UUID NOT NULL,
    stale_as_of DATE NOT NULL,
    marked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    taken_back_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT loan_stale_past_pkey PRIMARY KEY (subject_id, member_id, loan_no, version, stale_by)
);

CREATE TABLE loan_adverse_past (
    subject_id UUID NOT NULL,
    member_id INTEGER NOT NULL,
    loan_no TEXT NOT NULL,
    version INTEGER NOT NULL,
    superseded_by UUID NOT NULL,
    since DATE NOT NULL,
    until DATE NOT NULL,
    dpd INTEGER NOT NULL,
    overdue_amount BIGINT NOT NULL,
    taken_back_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT loan_adverse_past_pkey PRIMARY KEY (subject_id, member_id, loan_no, version, superseded_by)
);

CREATE TABLE reservation_past (
    subject_id UUID NOT NULL,
    id UUID NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    state SMALLINT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    loan_no TEXT,
    contract_no TEXT,
    CONSTRAINT reservation_past_pkey PRIMARY KEY (subject_id, id, superseded_at)
);

CREATE TABLE member_past (
    member_id INTEGER NOT NULL,
    superseded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    status TEXT NOT NULL,
    kind TEXT NOT NULL,
    tier TEXT NOT NULL,
    as_of_date DATE,
    CONSTRAINT member_past_pkey PRIMARY KEY (member_id, superseded_at)
);

CREATE TABLE kept_since (
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT kept_since_pkey PRIMARY KEY (since)
);

ALTER TABLE submission ADD COLUMN published_at TIMESTAMP WITH TIME ZONE;

-- What was changed in place before now has left nothing behind.
INSERT INTO kept_since SELECT now() WHERE EXISTS (SELECT FROM submission WHERE state IN (5, 7));
"""

MOBILES = """
ALTER TABLE mobile_subject ADD COLUMN met_at TIMESTAMP WITH TIME ZONE DEFAULT moment_now() NOT NULL;
"""

# The first of several states at one moment is the one that stood before it.
TRIGGERS = """
CREATE FUNCTION member_keep() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO member_past (member_id, superseded_at, status, kind, tier, as_of_date)
    VALUES (OLD.id, moment_now(), OLD.status, OLD.kind, OLD.tier, OLD.as_of_date) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE FUNCTION reservation_keep() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO reservation_past (subject_id, id, superseded_at, state, expires_at, loan_no, contract_no)
    VALUES (OLD.subject_id, OLD.id, NEW.changed_at, OLD.state, OLD.expires_at, OLD.loan_no, OLD.contract_no)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

REVOKE ALL ON FUNCTION member_keep(), reservation_keep() FROM PUBLIC;
CREATE TRIGGER keep AFTER UPDATE ON member FOR EACH ROW
    WHEN ((OLD.status, OLD.kind, OLD.tier, OLD.as_of_date) IS DISTINCT FROM
          (NEW.status, NEW.kind, NEW.tier, NEW.as_of_date)) EXECUTE FUNCTION member_keep();
CREATE TRIGGER keep AFTER UPDATE ON reservation FOR EACH ROW EXECUTE FUNCTION reservation_keep();
"""

# The night calls moment_now as the default of a column, and takes submissions back.
GRANTS = """
GRANT EXECUTE ON FUNCTION moment_now(), published_at(integer, uuid) TO huxin_loader;
GRANT SELECT, INSERT ON loan_stale_past, loan_adverse_past TO huxin_loader;
"""


def upgrade() -> None:
    """Tables of what stood before, the triggers that write them, and the functions that look back."""
    op.execute(TABLES)
    op.execute(
        "CREATE FUNCTION moment_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE "
        "RETURN coalesce(nullif(current_setting('huxin.moment', true), '')::timestamptz, now())"
    )
    op.execute(MOBILES)
    op.execute(TRIGGERS)
    install(op.get_bind(), "replay")
    op.execute(GRANTS)


def downgrade() -> None:
    """What is known of earlier moments would be forgotten: restore a dump instead."""
    raise RuntimeError("0006 holds what stood before")
