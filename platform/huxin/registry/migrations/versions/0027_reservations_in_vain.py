"""Reservations stand on an application only, and a member's that came to nothing are counted about each subject."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# Nearly all enquiries are applications: so few rows are written. No policy lets one be reserved on after a year.
RESERVABLE = """
ALTER TABLE enquiry_key ADD COLUMN reservable BOOLEAN NOT NULL DEFAULT true;
ALTER TABLE enquiry_key ALTER COLUMN reservable SET DEFAULT false;
UPDATE enquiry_key k SET reservable = false FROM enquiry e
    WHERE e.subject_id = k.subject_id AND e.id = k.enquiry_id AND e.purpose <> 'application'
        AND e.id >= id_floor(now() - interval '366 days');
"""
REFUSED = """
CREATE TABLE reservation_refused (
    subject_id UUID NOT NULL,
    member_id INTEGER NOT NULL,
    digest BYTEA NOT NULL,
    refused_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT reservation_refused_pkey PRIMARY KEY (subject_id, member_id, digest)
)
"""
# Of the program before it, which had no p_in_vain.
EARLIER = """
DROP FUNCTION IF EXISTS reservation_reserve(uuid, integer, text, bytea, uuid, smallint, bigint, timestamptz,
    timestamptz, timestamptz, integer, integer, bigint, uuid, text, boolean)
"""


def upgrade() -> None:
    """Column, table, and the functions that write and read them."""
    for statement in (RESERVABLE, REFUSED, EARLIER):
        op.execute(statement)
    install(op.get_bind(), "enquiry_record", "enquiry_lots", "blind_meeting", "reservation")
    op.execute("REVOKE ALL ON FUNCTION subjects_rekey(timestamptz) FROM huxin_app")  # which `install` grants


def downgrade() -> None:
    """The functions of an earlier program are not kept."""
    raise RuntimeError("0027 only goes forward")
