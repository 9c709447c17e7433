"""Others' amounts are rounded up to a step where a tier does not see them; conversions are put right and taken back."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# Of the program before it, which knew no steps, and changed whatever it found.
EARLIER = (
    "DROP FUNCTION IF EXISTS reservation_reserve(uuid, integer, text, bytea, uuid, smallint, bigint, timestamptz,"
    " timestamptz, timestamptz, integer, integer, bigint, integer, uuid, text, boolean)",
    "DROP FUNCTION IF EXISTS reservation_change(integer, uuid, integer, text, text, timestamptz, timestamptz, uuid,"
    " text)",
)
CONVERTED = "CREATE INDEX reservation_past_converted_idx ON reservation_past (superseded_at) WHERE state = 2"


def upgrade() -> None:
    """The functions that grant and change, with more parameters, and what the guard finds conversions taken back by."""
    for statement in (*EARLIER, CONVERTED):
        op.execute(statement)
    install(op.get_bind(), "reservation")


def downgrade() -> None:
    """The functions of an earlier program are not kept."""
    raise RuntimeError("0028 only goes forward")
