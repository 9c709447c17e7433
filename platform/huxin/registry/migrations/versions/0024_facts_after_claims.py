"""Whoever a lot makes known is told of by a snapshot that is taken afterwards; and a year is each question's own."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The facts of enquiries end with the question's own year, also beside earlier questions."""
    install(op.get_bind(), "enquiry_facts", "enquiry_gather", "enquiry_lots")


def downgrade() -> None:
    """The functions of an earlier program are not kept."""
    raise RuntimeError("0024 only goes forward")
