"""The night too says which mobile was given for whom."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A mark of the mobile beside each key of a loan, and the loader's way into the tables of mobiles.

    The marks are empty at first: the next night of each member pairs its whole book.
    """
    op.execute("ALTER TABLE loan_key ADD COLUMN mobile_mark BIGINT")
    op.execute("GRANT SELECT, INSERT ON mobile_alias, mobile_subject TO huxin_loader")


def downgrade() -> None:
    """Pairs stay: nothing tells those of the night from those of enquiries."""
    op.execute("REVOKE ALL ON mobile_alias, mobile_subject FROM huxin_loader")
    op.execute("ALTER TABLE loan_key DROP COLUMN mobile_mark")
