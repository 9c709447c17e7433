"""A reservation becomes a loan that was lent after it, not an older one that bears the same number."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Reservations that count, now and as of an earlier moment."""
    install(op.get_bind(), "enquiry_parts", "replay")


def downgrade() -> None:
    """The functions of an earlier program are not kept."""
    raise RuntimeError("0025 only goes forward")
