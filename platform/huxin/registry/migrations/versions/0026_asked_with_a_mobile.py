"""Whoever is asked about with a mobile counts among its subjects at once, not from the next question on."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The count by mobile is told of whom the question is, now and of the past."""
    op.execute(
        "DROP FUNCTION IF EXISTS mobile_counts_at(uuid, integer, timestamptz, timestamptz, timestamptz)"
    )
    install(op.get_bind(), "enquiry_facts", "replay")


def downgrade() -> None:
    """The functions of an earlier program are not kept."""
    raise RuntimeError("0026 only goes forward")
