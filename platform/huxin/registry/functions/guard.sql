-- What the API may know of the guard: how many alarms there are, and which members are limited. No figure, no member's
-- name and no subject leaves here.

-- {"alarms": [{"kind", "state", "count"}], "looked_at": moment or null}
CREATE OR REPLACE FUNCTION guard_gauges() RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
BEGIN ATOMIC
    SELECT jsonb_build_object(
        'alarms', coalesce((
            SELECT jsonb_agg(jsonb_build_object('kind', a.kind, 'state', a.state, 'count', a.alarms)
                ORDER BY a.kind, a.state)
            FROM (SELECT kind, state, count(*) AS alarms FROM alarm WHERE state <> 'closed' GROUP BY kind, state) a),
            '[]'),
        'looked_at', (SELECT extract(epoch FROM max(g.done_until)) FROM guard_run g));
END;

-- [[member, purpose, per minute, per day]], those in force on a day.
CREATE OR REPLACE FUNCTION guard_limits(p_today date) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
BEGIN ATOMIC
    SELECT coalesce(jsonb_agg(jsonb_build_array(l.member_id, l.purpose, l.per_minute, l.per_day)), '[]')
    FROM member_limit l WHERE l.until IS NULL OR l.until >= p_today;
END;
