"""Blind mode: the generations of its key, and the count of evaluations."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE oprf_generation (
    epoch INTEGER NOT NULL,
    public BYTEA NOT NULL,
    state SMALLINT NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT oprf_generation_pkey PRIMARY KEY (epoch)
);
-- However many turn it on or rotate at once, one key is the present one.
CREATE UNIQUE INDEX oprf_generation_present ON oprf_generation (state) WHERE state = 1;
"""


def upgrade() -> None:
    """The table and what the app may know of it."""
    op.execute(TABLES)
    install(op.get_bind(), "blind")


def downgrade() -> None:
    """Elements could not be found again without their generations."""
    raise RuntimeError("0008 only goes forward")
