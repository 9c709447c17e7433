"""Questions that came at once are looked up and recorded by one statement for all."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The facts have a statement of their own, which is part of the one for one question and of that for several."""
    # Elsewhere it stands with another name of its last parameter.
    op.execute(
        "DROP FUNCTION IF EXISTS enquiry_gather(integer, text, uuid[], smallint[], boolean, uuid[], uuid[], smallint[],"
        " timestamptz, date, integer, integer, boolean, boolean)"
    )
    install(op.get_bind(), "enquiry_facts", "enquiry_gather", "enquiry_lots")


def downgrade() -> None:
    """The functions of an earlier program are not kept."""
    raise RuntimeError("0022 only goes forward")
