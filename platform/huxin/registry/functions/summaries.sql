-- Sums over submissions by member and day, kept by triggers: whoever changes a submission changes them, in the same
-- transaction. Only end states count (4 awaiting confirmation, 5 published, 6 refused, 7 withdrawn). Differences are
-- added and nothing is counted anew, so that two transactions at one member's day cannot undo each other.

-- `moved` are the rows as they came or as they were before; the trigger's argument is 1 or -1.
CREATE OR REPLACE FUNCTION submission_sum() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE sign integer := TG_ARGV[0];
BEGIN
    IF NOT EXISTS (SELECT FROM moved WHERE state >= 4 AND as_of_date IS NOT NULL) THEN RETURN NULL; END IF;
    INSERT INTO report_day AS r
        (member_id, day, files, refused, waiting, withdrawn, rows, accepted, rejected, warned, vanished, first_at, last_at)
    SELECT member_id, as_of_date,
        sign * count(*) FILTER (WHERE state = 5), sign * count(*) FILTER (WHERE state = 6),
        sign * count(*) FILTER (WHERE state = 4), sign * count(*) FILTER (WHERE state = 7),
        sign * coalesce(sum(m.rows) FILTER (WHERE state = 5), 0), sign * coalesce(sum(accepted) FILTER (WHERE state = 5), 0),
        sign * coalesce(sum(rejected) FILTER (WHERE state = 5), 0), sign * coalesce(sum(warned) FILTER (WHERE state = 5), 0),
        sign * coalesce(sum(vanished) FILTER (WHERE state = 5), 0),
        min(coalesce(published_at, changed_at)) FILTER (WHERE state = 5 AND sign = 1),
        max(coalesce(published_at, changed_at)) FILTER (WHERE state = 5 AND sign = 1)
    FROM moved m WHERE state >= 4 AND as_of_date IS NOT NULL
    GROUP BY member_id, as_of_date ORDER BY member_id, as_of_date
    ON CONFLICT (member_id, day) DO UPDATE SET
        files = r.files + excluded.files, refused = r.refused + excluded.refused,
        waiting = r.waiting + excluded.waiting, withdrawn = r.withdrawn + excluded.withdrawn,
        rows = r.rows + excluded.rows, accepted = r.accepted + excluded.accepted,
        rejected = r.rejected + excluded.rejected, warned = r.warned + excluded.warned,
        vanished = r.vanished + excluded.vanished,
        first_at = CASE WHEN r.files + excluded.files > 0 THEN least(r.first_at, excluded.first_at) END,
        last_at = CASE WHEN r.files + excluded.files > 0 THEN greatest(r.last_at, excluded.last_at) END;
    INSERT INTO report_code AS r (member_id, day, code, hits)
    SELECT m.member_id, m.as_of_date, k.key, sign * sum(k.value::bigint)
    FROM moved m, jsonb_each_text(m.codes) k
    WHERE m.state IN (5, 6) AND m.as_of_date IS NOT NULL
    GROUP BY m.member_id, m.as_of_date, k.key ORDER BY m.member_id, m.as_of_date, k.key
    ON CONFLICT (member_id, day, code) DO UPDATE SET hits = r.hits + excluded.hits;
    RETURN NULL;
END $$;
