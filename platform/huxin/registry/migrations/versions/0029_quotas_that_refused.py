"""What a day's quota refused is counted where it is refused: what was asked does not tell, for quotas change by day."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

REFUSED = """
CREATE UNLOGGED TABLE quota_refused (
    member_id INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    day DATE NOT NULL,
    per_day INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    CONSTRAINT quota_refused_pkey PRIMARY KEY (member_id, purpose)
)
"""


def upgrade() -> None:
    """Table, and the function that counts in it."""
    op.execute(REFUSED)
    install(op.get_bind(), "quota_refused")


def downgrade() -> None:
    """The functions of an earlier program are not kept."""
    raise RuntimeError("0029 only goes forward")
