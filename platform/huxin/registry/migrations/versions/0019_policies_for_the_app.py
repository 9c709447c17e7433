"""What was approved is for those who answer by it: the API's login owns nothing, and could not read policies."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To read, and nothing else: who proposes and approves is no business of the API's."""
    op.execute("GRANT SELECT ON policy_change TO huxin_app")


def downgrade() -> None:
    """The API would be without policies."""
    op.execute("REVOKE SELECT ON policy_change FROM huxin_app")
