"""Reservations of a tier without exact amounts are held against others' amounts rounded up to a step."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# Of the program before it, which had no steps.
EARLIER = """
DROP FUNCTION IF EXISTS reservation_reserve(uuid, integer, text, bytea, uuid, smallint, bigint, timestamptz,
    timestamptz, timestamptz, integer, integer, bigint, integer, uuid, text, boolean)
"""


def upgrade() -> None:
    """The function that grants, with two parameters more."""
    op.execute(EARLIER)
    install(op.get_bind(), "reservation")


def downgrade() -> None:
    """The functions of an earlier program are not kept."""
    raise RuntimeError("0028 only goes forward")
