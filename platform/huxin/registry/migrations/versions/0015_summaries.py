"""Sums for the operators' pages, kept by the night and by triggers, made here of what is on record."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE report_day (
    member_id INTEGER NOT NULL,
    day DATE NOT NULL,
    files INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL,
    rows BIGINT NOT NULL,
    accepted BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    warned BIGINT NOT NULL,
    vanished BIGINT NOT NULL,
    first_at TIMESTAMP WITH TIME ZONE,
    last_at TIMESTAMP WITH TIME ZONE,
    loans BIGINT,
    outstanding BIGINT,
    CONSTRAINT report_day_pkey PRIMARY KEY (member_id, day)
);
CREATE INDEX report_day_day_idx ON report_day (day, member_id);

CREATE TABLE report_code (
    member_id INTEGER NOT NULL,
    day DATE NOT NULL,
    code TEXT NOT NULL,
    hits BIGINT NOT NULL,
    CONSTRAINT report_code_pkey PRIMARY KEY (member_id, day, code)
);
CREATE INDEX report_code_day_idx ON report_code (day, member_id);

CREATE TABLE member_book (
    member_id INTEGER NOT NULL,
    class5 SMALLINT NOT NULL,
    loans BIGINT NOT NULL,
    outstanding BIGINT NOT NULL,
    overdue_loans BIGINT NOT NULL,
    overdue_amount BIGINT NOT NULL,
    CONSTRAINT member_book_pkey PRIMARY KEY (member_id, class5)
);

CREATE TABLE member_book_day (
    member_id INTEGER NOT NULL,
    day DATE NOT NULL,
    class5 SMALLINT NOT NULL,
    loans BIGINT NOT NULL,
    outstanding BIGINT NOT NULL,
    overdue_loans BIGINT NOT NULL,
    overdue_amount BIGINT NOT NULL,
    CONSTRAINT member_book_day_pkey PRIMARY KEY (member_id, day, class5)
);

CREATE TABLE reporting_term (
    member_id INTEGER NOT NULL,
    day DATE NOT NULL,
    kind TEXT NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    reason TEXT NOT NULL,
    set_at TIMESTAMP WITH TIME ZONE NOT NULL,
    set_by TEXT NOT NULL,
    CONSTRAINT reporting_term_pkey PRIMARY KEY (member_id, day, kind)
);
CREATE INDEX reporting_term_day_idx ON reporting_term (day);

CREATE TABLE sector_book (
    day DATE NOT NULL,
    class5 SMALLINT NOT NULL,
    members INTEGER NOT NULL,
    loans BIGINT NOT NULL,
    outstanding BIGINT NOT NULL,
    overdue_loans BIGINT NOT NULL,
    overdue_amount BIGINT NOT NULL,
    CONSTRAINT sector_book_pkey PRIMARY KEY (day, class5)
);

CREATE TABLE sector_lenders (
    day DATE NOT NULL,
    lenders SMALLINT NOT NULL,
    subjects BIGINT NOT NULL,
    counted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT sector_lenders_pkey PRIMARY KEY (day, lenders)
);

CREATE TABLE enquiry_directory (
    id UUID NOT NULL,
    member_id INTEGER NOT NULL,
    subject_id UUID NOT NULL,
    purpose TEXT NOT NULL,
    staff TEXT,
    consent_no TEXT,
    CONSTRAINT enquiry_directory_pkey PRIMARY KEY (id)
);
"""

# What is on record becomes its own history: each submission comes once more through the trigger's own statement.
SUBMISSIONS = """
CREATE TRIGGER sum_come AFTER INSERT ON submission REFERENCING NEW TABLE AS moved
    FOR EACH STATEMENT EXECUTE FUNCTION submission_sum('1');
CREATE TRIGGER sum_1_gone AFTER UPDATE ON submission REFERENCING OLD TABLE AS moved
    FOR EACH STATEMENT EXECUTE FUNCTION submission_sum('-1');
CREATE TRIGGER sum_2_come AFTER UPDATE ON submission REFERENCING NEW TABLE AS moved
    FOR EACH STATEMENT EXECUTE FUNCTION submission_sum('1');

CREATE TEMPORARY TABLE again (LIKE submission INCLUDING DEFAULTS);
CREATE TRIGGER sum_come AFTER INSERT ON again REFERENCING NEW TABLE AS moved
    FOR EACH STATEMENT EXECUTE FUNCTION submission_sum('1');
INSERT INTO again SELECT * FROM submission;
DROP TABLE again;
"""

BOOKS = """
INSERT INTO member_book (member_id, class5, loans, outstanding, overdue_loans, overdue_amount)
SELECT member_id, class5, count(*), sum(balance), count(overdue_since), sum(overdue_amount)
FROM loan WHERE role = 1 AND ended_by IS NULL AND (status IN (1, 2, 3, 4) OR (status = 5 AND balance > 0))
GROUP BY member_id, class5;
INSERT INTO member_book_day SELECT b.member_id, m.as_of_date, b.class5, b.loans, b.outstanding, b.overdue_loans,
    b.overdue_amount
FROM member_book b JOIN member m ON m.id = b.member_id WHERE m.as_of_date IS NOT NULL;
UPDATE report_day r SET loans = t.loans, outstanding = t.outstanding
FROM (SELECT member_id, day, sum(loans) AS loans, sum(outstanding) AS outstanding FROM member_book_day GROUP BY 1, 2) t
WHERE r.member_id = t.member_id AND r.day = t.day;
"""

ENQUIRIES = """
INSERT INTO enquiry_directory (id, member_id, subject_id, purpose, staff, consent_no)
SELECT id, member_id, subject_id, purpose, staff, consent_no FROM enquiry ORDER BY id;
CREATE INDEX enquiry_directory_member_idx ON enquiry_directory (member_id, id);
CREATE INDEX enquiry_directory_purpose_idx ON enquiry_directory (purpose, id);
CREATE INDEX enquiry_directory_staff_idx ON enquiry_directory (staff, id) WHERE staff IS NOT NULL;
CREATE INDEX enquiry_directory_consent_idx ON enquiry_directory (consent_no, id) WHERE consent_no IS NOT NULL;
-- Submissions of all members by receipt, and one by its number alone.
CREATE INDEX submission_id_idx ON submission (id);
CREATE INDEX submission_waiting_idx ON submission (id) WHERE state = 4;
"""

# Triggers do their part with their owner's rights.
GRANTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON member_book, member_book_day TO huxin_loader;
GRANT SELECT, UPDATE ON report_day TO huxin_loader;
GRANT SELECT ON report_day, report_code, member_book, member_book_day, sector_book, sector_lenders TO huxin_console;
GRANT SELECT, INSERT, UPDATE, DELETE ON reporting_term TO huxin_console;
GRANT EXECUTE ON FUNCTION id_floor(timestamptz) TO huxin_console;
"""


def upgrade() -> None:
    """Tables, the triggers on submissions, and what can be summed up of the past."""
    op.execute(TABLES)
    install(op.get_bind(), "summaries")
    for statements in (SUBMISSIONS, BOOKS, ENQUIRIES, GRANTS):
        op.execute(statements)


def downgrade() -> None:
    """What operators granted would be forgotten: restore a dump instead."""
    raise RuntimeError("0015 holds what operators granted")
