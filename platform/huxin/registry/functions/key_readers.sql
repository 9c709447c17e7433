-- Processes that hold keys, and which version of each keyring they have read. A reader's row is worth what its session
-- is: it holds a lock of the row's id, and ends with it, however the process ends.

CREATE OR REPLACE FUNCTION key_reader_lock(p_id uuid) RETURNS bigint
LANGUAGE sql IMMUTABLE
RETURN hashtextextended(p_id::text, 11);

CREATE OR REPLACE FUNCTION key_reader_here(
    p_id uuid, p_kind text, p_host text, p_pid integer, p_versions jsonb, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_lock_shared(key_reader_lock(p_id));
    INSERT INTO key_reader AS r VALUES (p_id, p_kind, p_host, p_pid, p_versions, p_now, p_now)
        ON CONFLICT (id) DO UPDATE SET versions = excluded.versions, read_at = excluded.read_at;
END $$;

CREATE OR REPLACE FUNCTION key_reader_gone(p_id uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
BEGIN ATOMIC
    DELETE FROM key_reader WHERE id = p_id;
END;
