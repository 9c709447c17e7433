"""Reservations hold a subject by a lock of the server's memory: its head row, which cost a write each, is gone."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The functions of both anew, then what the ones before had."""
    op.execute("DROP FUNCTION IF EXISTS subject_lock(uuid, timestamptz)")
    install(op.get_bind(), "reservation", "blind_meeting")
    op.execute("REVOKE ALL ON FUNCTION subjects_rekey(timestamptz) FROM huxin_app")  # as 0013 did
    op.execute("DROP TABLE subject")


def downgrade() -> None:
    """The functions of an earlier program are not kept."""
    raise RuntimeError("0018 only goes forward")
