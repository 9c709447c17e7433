-- What the enquiry's and the reservations' functions share.

-- The least UUIDv7 of a moment: ids are counted and partitions are bounded by it.
CREATE OR REPLACE FUNCTION id_floor(p_at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (lpad(to_hex(floor(extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;

CREATE OR REPLACE FUNCTION moment_text(p_at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');

-- Promises that hold now: granted and not expired, or converted and still waiting for the loan, which then counts itself.
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
          AND (l.loan_no = r.loan_no OR l.contract_no = r.contract_no)));
END;

-- A mobile's subjects and enquiries, in the shape of a subject's.
CREATE OR REPLACE FUNCTION mobile_counts(p_mobile uuid, p_member integer, p_now timestamptz) RETURNS json
LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked json; subjects integer;
    since uuid := id_floor(p_now - interval '365 days');
    until uuid := id_floor(p_now + interval '1 minute');
BEGIN
    SELECT count(*) INTO subjects FROM mobile_subject s WHERE s.mobile_id = p_mobile;
    SELECT json_agg(t) INTO asked FROM (
        SELECT f.own, f.kind,
            count(*) FILTER (WHERE f.at > p_now - interval '7 days') AS d7,
            count(*) FILTER (WHERE f.at > p_now - interval '15 days') AS d15,
            count(*) FILTER (WHERE f.at > p_now - interval '30 days') AS d30,
            count(*) FILTER (WHERE f.at > p_now - interval '90 days') AS d90,
            count(*) FILTER (WHERE f.at > p_now - interval '180 days') AS d180,
            count(*) FILTER (WHERE f.at > p_now - interval '365 days') AS d365
        FROM (
            SELECT e.member_id = p_member AS own, m.kind, e.asked_at AS at
            FROM mobile_enquiry e JOIN member m ON m.id = e.member_id
            WHERE e.mobile_id = p_mobile AND e.id >= since AND e.id < until
              AND e.purpose IN ('application', 'guarantee')
        ) f GROUP BY f.own, f.kind ORDER BY f.own DESC, f.kind) t;
    RETURN json_build_object('subjects', subjects, 'enquiries', coalesce(asked, '[]'));
END $$;
