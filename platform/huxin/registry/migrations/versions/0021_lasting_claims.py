"""Whoever an enquiry makes known stays known, also when the server crashes before the enquiry is recorded."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The claim's own commit waits for the disk."""
    # Elsewhere it stands with another name of its last parameter.
    op.execute(
        "DROP FUNCTION IF EXISTS enquiry_gather(integer, text, uuid[], smallint[], boolean, uuid[], uuid[], smallint[],"
        " timestamptz, date, integer, integer, boolean, boolean)"
    )
    install(op.get_bind(), "enquiry_gather")


def downgrade() -> None:
    """The functions of an earlier program are not kept."""
    raise RuntimeError("0021 only goes forward")
