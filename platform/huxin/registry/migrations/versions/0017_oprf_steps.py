"""How elements go from one OPRF key to the next in a registry zone that holds neither."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A column, null where one process holds both zones' keys; and the directory's subjects re-keyed by enquiry."""
    op.execute("ALTER TABLE oprf_generation ADD COLUMN step BYTEA")
    install(op.get_bind(), "blind_meeting")
    op.execute("REVOKE ALL ON FUNCTION subjects_rekey(timestamptz) FROM huxin_app")  # which `install` grants


def downgrade() -> None:
    """Without it."""
    op.execute("ALTER TABLE oprf_generation DROP COLUMN step")
