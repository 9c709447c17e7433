"""The audit log's leaves, nodes and checkpoints: rows that can be added and read, not changed."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE audit_leaf (
    number BIGINT NOT NULL,
    outbox_id UUID NOT NULL,
    record_id UUID NOT NULL,
    member_id INTEGER,
    topic TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    data BYTEA NOT NULL,
    salt BYTEA,
    record TEXT,
    erased_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT audit_leaf_pkey PRIMARY KEY (number),
    CONSTRAINT audit_leaf_outbox_id_key UNIQUE (outbox_id)
);
CREATE INDEX audit_leaf_record_id_idx ON audit_leaf (record_id);
CREATE INDEX audit_leaf_act_idx ON audit_leaf (topic, number) WHERE topic <> 'enquiry.answered';

CREATE TABLE audit_node (
    level SMALLINT NOT NULL,
    index BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    CONSTRAINT audit_node_pkey PRIMARY KEY (level, index)
);

CREATE TABLE audit_checkpoint (
    size BIGINT NOT NULL,
    root BYTEA NOT NULL,
    note TEXT NOT NULL,
    signed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT audit_checkpoint_pkey PRIMARY KEY (size)
);
"""

# Whoever owns the tables can take the triggers away; what he changes then, `huxin audit verify` finds.
APPEND_ONLY = """
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION audit_only_erase() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.erased_at IS NOT NULL OR NEW.erased_at IS NULL OR NEW.salt IS NOT NULL OR NEW.record IS NOT NULL
        OR (NEW.number, NEW.outbox_id, NEW.record_id, NEW.topic, NEW.recorded_at, NEW.data)
            <> (OLD.number, OLD.outbox_id, OLD.record_id, OLD.topic, OLD.recorded_at, OLD.data)
        OR NEW.member_id IS DISTINCT FROM OLD.member_id
    THEN
        RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER only_erase BEFORE UPDATE ON audit_leaf FOR EACH ROW EXECUTE FUNCTION audit_only_erase();
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON audit_leaf EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_node EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_checkpoint
    EXECUTE FUNCTION audit_refuse();
"""

# What the application may call. `p_member` NULL asks for anybody's record and is the operator's.
FUNCTIONS = """
CREATE FUNCTION audit_latest(OUT size bigint, OUT root bytea, OUT note text, OUT signed_at timestamptz)
RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT c.size, c.root, c.note, c.signed_at FROM audit_checkpoint c ORDER BY c.size DESC LIMIT 1
$$;

CREATE FUNCTION audit_leaf_of(p_id uuid, p_member integer, p_topic text,
    OUT number bigint, OUT salt bytea, OUT record text, OUT erased_at timestamptz, OUT size bigint, OUT note text)
RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    -- Each by its own index: of one condition with OR the planner makes a walk through the whole log.
    WITH found AS MATERIALIZED (
        SELECT l.* FROM audit_leaf l WHERE l.record_id = p_id
        UNION ALL
        SELECT l.* FROM audit_leaf l WHERE l.outbox_id = p_id)
    SELECT f.number, f.salt, f.record, f.erased_at, c.size, c.note
    FROM found f, LATERAL (SELECT * FROM audit_latest()) c
    WHERE (p_member IS NULL OR f.member_id = p_member) AND (p_topic IS NULL OR f.topic = p_topic)
    ORDER BY f.number DESC LIMIT 1
$$;

CREATE FUNCTION audit_hashes(p_levels integer[], p_indexes bigint[], p_numbers bigint[],
    OUT nodes bytea[], OUT leaves bytea[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT
        (SELECT array_agg(n.hash ORDER BY w.place)
         FROM unnest(p_levels, p_indexes) WITH ORDINALITY w (level, index, place)
         JOIN audit_node n ON n.level = w.level AND n.index = w.index),
        (SELECT array_agg(l.data ORDER BY w.place)
         FROM unnest(p_numbers) WITH ORDINALITY w (number, place) JOIN audit_leaf l ON l.number = w.number)
$$;

REVOKE ALL ON audit_leaf, audit_node, audit_checkpoint FROM PUBLIC, huxin_app, huxin_loader;
REVOKE ALL ON FUNCTION audit_latest(), audit_leaf_of(uuid, integer, text),
    audit_hashes(integer[], bigint[], bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_latest(), audit_leaf_of(uuid, integer, text),
    audit_hashes(integer[], bigint[], bigint[]) TO huxin_app;
"""


def upgrade() -> None:
    """Makes tables, the triggers that keep them append-only, and the functions that the application reads by."""
    op.execute(TABLES)
    op.execute(APPEND_ONLY)
    op.execute(FUNCTIONS)


def downgrade() -> None:
    """A log that could be dropped by a command would prove nothing: restore a dump instead."""
    raise RuntimeError("the audit log is not taken back")
