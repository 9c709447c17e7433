-- What the enquiry's and the reservations' functions share.

-- The least UUIDv7 of a moment: ids are counted and partitions are bounded by it. A moment's parts depend on the session's
-- time zone unless one is named, and then this would not be put in place of its call.
CREATE OR REPLACE FUNCTION id_floor(p_at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (lpad(to_hex(floor(extract(epoch FROM p_at AT TIME ZONE 'UTC') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;

CREATE OR REPLACE FUNCTION moment_text(p_at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');

-- Promises that hold now: granted and not expired, or converted and still waiting for the loan, which then counts itself.
-- An older loan is not the one that was promised, though it bears the number: a contract may have many drawings.
CREATE OR REPLACE FUNCTION reservations_live(p_subject uuid, p_now timestamptz)
RETURNS TABLE (member_id integer, amount bigint, granted_at timestamptz, expires_at timestamptz, place bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT r.member_id, r.amount, r.granted_at, r.expires_at, row_number() OVER (ORDER BY r.granted_at, r.id)
    FROM reservation r
    WHERE r.subject_id = p_subject AND r.state IN (1, 2) AND r.expires_at > p_now
      AND NOT (r.state = 2 AND EXISTS (
        SELECT FROM loan l
        WHERE l.subject_id = r.subject_id AND l.member_id = r.member_id AND l.void_by IS NULL
          AND (l.loan_no = r.loan_no OR l.contract_no = r.contract_no)
          AND l.disbursed_on >= (r.granted_at AT TIME ZONE 'Asia/Shanghai')::date));
END;
