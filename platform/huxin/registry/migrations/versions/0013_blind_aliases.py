"""Elements beside their aliases, and the meeting of those who come blind with those who come by an identifier."""

from __future__ import annotations

from alembic import op

from huxin.registry.functions import install

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# A column without a default is added without touching a row.
TABLES = """
ALTER TABLE alias ADD COLUMN met BOOLEAN;

CREATE TABLE alias_element (
    token UUID NOT NULL,
    scheme SMALLINT NOT NULL,
    sealed BYTEA NOT NULL,
    CONSTRAINT alias_element_pkey PRIMARY KEY (token, scheme)
);

CREATE TABLE subject_merge (
    gone UUID NOT NULL,
    kept UUID NOT NULL,
    found_at TIMESTAMP WITH TIME ZONE NOT NULL,
    done_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT subject_merge_pkey PRIMARY KEY (gone)
);
"""
LOADER = """
GRANT SELECT ON oprf_generation TO huxin_loader;
GRANT SELECT, INSERT, DELETE ON alias_element TO huxin_loader;
REVOKE ALL ON FUNCTION subjects_rekey(timestamptz) FROM huxin_app;
GRANT EXECUTE ON FUNCTION subjects_rekey(timestamptz),
    blind_meet(uuid[], smallint[], uuid[], smallint[], bytea[], boolean, timestamptz) TO huxin_loader;
"""


def upgrade() -> None:
    """Tables and functions; nobody has met anybody yet."""
    op.execute(TABLES)
    # Its parameters change, which replacing a function cannot.
    op.execute("""
        DROP FUNCTION IF EXISTS enquiry_gather(integer, text, uuid[], smallint[], boolean, uuid[], uuid[], smallint[],
            timestamptz, date, integer, integer)
    """)
    install(op.get_bind(), "blind_meeting", "enquiry_gather")
    op.execute(LOADER)


def downgrade() -> None:
    """Whoever came blind would be nobody."""
    raise RuntimeError("0013 only goes forward")
