"""What comes at once is asked, recorded and reserved together; what is not known yet is left by itself."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One parameter more each; and who records has the answer at hand."""
    op.execute(
        "DROP FUNCTION IF EXISTS enquiry_gather(integer, text, uuid[], smallint[], boolean, uuid[], uuid[], smallint[],"
        " timestamptz, date, integer, integer, boolean)"
    )
    op.execute(
        "DROP FUNCTION IF EXISTS reservation_reserve(uuid, integer, text, bytea, uuid, smallint, bigint, timestamptz,"
        " timestamptz, timestamptz, integer, integer, bigint, uuid, text)"
    )
    install(op.get_bind(), "enquiry_gather", "enquiry_record", "reservation")


def downgrade() -> None:
    """The functions of an earlier program are not kept."""
    raise RuntimeError("0020 only goes forward")
