"""Whoever is not known yet is made known together with the others of a lot."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A lot is told whom it may claim; a parameter of the call for one has another meaning, and another name."""
    op.execute(
        "DROP FUNCTION IF EXISTS enquiry_gather(integer, text, uuid[], smallint[], boolean, uuid[], uuid[], smallint[],"
        " timestamptz, date, integer, integer, boolean, boolean)"
    )
    op.execute(
        "DROP FUNCTION IF EXISTS enquiry_gather_lot(integer[], text[], uuid[], smallint[], uuid[], uuid[], smallint[],"
        " timestamptz[], date[], integer[], integer[], boolean[])"
    )
    install(op.get_bind(), "enquiry_gather", "enquiry_lots")


def downgrade() -> None:
    """The functions of an earlier program are not kept."""
    raise RuntimeError("0023 only goes forward")
