"""Enquiries by ticket, where the platform is split into zones: a ticket is spent with its enquiry."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The spent tickets, by subject, and the function that spends them."""
    op.execute("""
        CREATE TABLE ticket_spent (
            subject_id UUID NOT NULL,
            nonce UUID NOT NULL,
            expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
            CONSTRAINT ticket_spent_pkey PRIMARY KEY (subject_id, nonce)
        )
    """)
    install(op.get_bind(), "ticket_redeem")


def downgrade() -> None:
    """Back to enquiries by identifier alone."""
    op.execute("DROP FUNCTION IF EXISTS enquiry_redeem")
    op.execute("DROP TABLE ticket_spent")
