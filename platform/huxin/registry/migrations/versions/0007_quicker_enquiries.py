"""Enquiries and reservations in fewer statements; the facts they tell stay the same."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The functions of both anew. What a mobile tells is counted with what the subject does."""
    # They change what they return, which replacing a function cannot.
    op.execute(
        "DROP FUNCTION IF EXISTS mobile_counts_at(uuid, integer, timestamptz, timestamptz, timestamptz)"
    )
    install(op.get_bind(), "enquiry_parts", "enquiry_gather", "enquiry_record", "reservation", "replay")
    op.execute("DROP FUNCTION IF EXISTS mobile_counts(uuid, integer, timestamptz)")


def downgrade() -> None:
    """The functions of an earlier program are not kept."""
    raise RuntimeError("0007 only goes forward")
