"""Enquiries and reservations, the three roles, and what each may touch."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Roles are the whole server's: another database of it may have made them, or be making them now.
ROLES = """
DO $$
DECLARE wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['huxin_owner', 'huxin_loader', 'huxin_app'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = wanted) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END LOOP;
END $$;
"""


def upgrade() -> None:
    op.execute(ROLES)


def downgrade() -> None:
    pass
