"""Members' credentials and what was used of them."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE credential (
    id UUID NOT NULL,
    role TEXT NOT NULL,
    member_id INTEGER NOT NULL,
    holder TEXT NOT NULL,
    alg TEXT NOT NULL,
    public_key BYTEA NOT NULL,
    scopes TEXT[] NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    last_used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT credential_pkey PRIMARY KEY (id)
);
CREATE INDEX credential_holder_idx ON credential (role, holder);

CREATE TABLE assertion_used (
    credential_id UUID NOT NULL,
    jti_digest UUID NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT assertion_used_pkey PRIMARY KEY (credential_id, jti_digest)
);
"""

# The app's role reads no table of access: what it may know of one key, it is told by these functions.
FUNCTIONS = """
CREATE FUNCTION access_key(wanted uuid)
RETURNS TABLE (role text, member_id integer, holder text, alg text, public_key bytea, scopes text[], revoked boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT c.role, c.member_id, c.holder, c.alg, c.public_key, c.scopes, c.revoked_at IS NOT NULL
    FROM credential c WHERE c.id = wanted
$$;

CREATE FUNCTION access_use(used_key uuid, used_jti uuid, until timestamptz, at timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM assertion_used a WHERE a.credential_id = used_key AND a.expires_at < at;
    INSERT INTO assertion_used VALUES (used_key, used_jti, until) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE credential c SET last_used_at = at WHERE c.id = used_key;
    RETURN true;
END $$;

CREATE FUNCTION access_standing(wanted uuid) RETURNS TABLE (live boolean, status text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT c.revoked_at IS NULL AND (c.role <> 'member' OR m.id IS NOT NULL), coalesce(m.status, 'active')
    FROM credential c LEFT JOIN member m ON c.role = 'member' AND m.id = c.member_id WHERE c.id = wanted
$$;

CREATE FUNCTION access_whoami(wanted uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT jsonb_build_object(
        'member', (
            SELECT to_jsonb(m) - 'id' FROM member m WHERE own.role = 'member' AND m.id = own.member_id),
        'keys', (
            SELECT jsonb_agg(jsonb_build_object(
                'id', c.id, 'alg', c.alg, 'scopes', c.scopes, 'created_at', c.created_at,
                'last_used_at', c.last_used_at) ORDER BY c.created_at, c.id)
            FROM credential c
            WHERE c.role = own.role AND c.holder = own.holder AND c.revoked_at IS NULL),
        'submission', (
            SELECT jsonb_build_object(
                'id', s.id, 'state', s.state, 'as_of_date', s.as_of_date, 'rows', s.rows,
                'accepted', s.accepted, 'rejected', s.rejected, 'received_at', s.received_at)
            FROM submission s WHERE own.role = 'member' AND s.member_id = own.member_id
            ORDER BY s.received_at DESC, s.id DESC LIMIT 1))
    FROM credential own WHERE own.id = wanted
$$;

CREATE FUNCTION access_revision() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT version_num::text FROM alembic_version
$$;
"""

GRANTS = """
REVOKE ALL ON FUNCTION access_key, access_use, access_standing, access_whoami, access_revision FROM PUBLIC;
GRANT EXECUTE ON FUNCTION access_key, access_use, access_standing, access_whoami, access_revision TO huxin_app;
-- `huxin serve` looks before it starts, also where its login is not the owner's.
GRANT SELECT ON alembic_version TO huxin_app;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(FUNCTIONS)
    op.execute(GRANTS)


def downgrade() -> None:
    pass
