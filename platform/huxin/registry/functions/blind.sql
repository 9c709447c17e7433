-- Blind mode as the app may know it: the generations of the OPRF key, and what a member has had evaluated.

-- The generations at work, the present one first; none where blind mode is off. States: 1 present, 2 earlier, 3 gone.
CREATE OR REPLACE FUNCTION blind_generations(OUT epochs integer[], OUT publics bytea[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
BEGIN ATOMIC
    SELECT array_agg(g.epoch ORDER BY g.state, g.epoch DESC), array_agg(g.public ORDER BY g.state, g.epoch DESC)
    FROM oprf_generation g WHERE g.state < 3;
END;

-- Counts elements against a member's quotas before they are evaluated, all of them or none. outcome: 1 counted, 2 more
-- than the minute's or the day's quota leaves, 3 the epoch is at work no longer, 4 blind mode is off.
CREATE OR REPLACE FUNCTION blind_take(
    p_member integer, p_epoch integer, p_count integer, p_now timestamptz, p_today date, p_per_minute integer,
    p_per_day integer, OUT outcome integer, OUT minute_used integer, OUT day_used integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    used quota%ROWTYPE;
    present bigint := floor(extract(epoch FROM p_now) / 60);
BEGIN
    IF NOT EXISTS (SELECT FROM oprf_generation g WHERE g.epoch = p_epoch AND g.state < 3) THEN
        outcome := CASE WHEN EXISTS (SELECT FROM oprf_generation g WHERE g.state = 1) THEN 3 ELSE 4 END;
        RETURN;
    END IF;
    INSERT INTO quota VALUES (p_member, 'blind', present, 0, p_today, 0) ON CONFLICT (member_id, purpose) DO NOTHING;
    SELECT * INTO STRICT used FROM quota q WHERE q.member_id = p_member AND q.purpose = 'blind' FOR UPDATE;
    minute_used := p_count + CASE WHEN used.minute = present THEN used.minute_used ELSE 0 END;
    day_used := p_count + CASE WHEN used.day = p_today THEN used.day_used ELSE 0 END;
    outcome := CASE WHEN minute_used > p_per_minute OR day_used > p_per_day THEN 2 ELSE 1 END;
    IF outcome = 1 THEN
        UPDATE quota q SET minute = present, minute_used = blind_take.minute_used, day = p_today,
            day_used = blind_take.day_used WHERE q.member_id = p_member AND q.purpose = 'blind';
    END IF;
END $$;
