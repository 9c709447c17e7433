-- What a day's quota refused, counted apart from what was asked: who has little left today may have asked more under a
-- higher tier or a wider limit, and was refused nothing then. Only what is refused writes here.

-- Counts one refusal under the quota that refused it, and tells the day's count. Who comes with a day just past (it waited
-- for its turn) is not counted, and resets nothing.
CREATE OR REPLACE FUNCTION quota_refuse(
    p_member integer, p_purpose text, p_today date, p_per_day integer, OUT refused integer)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
BEGIN ATOMIC
    INSERT INTO quota_refused AS r VALUES (p_member, p_purpose, p_today, p_per_day, 1)
        ON CONFLICT (member_id, purpose) DO UPDATE SET
            refused = CASE WHEN r.day = excluded.day THEN r.refused + 1 ELSE 1 END,
            day = excluded.day, per_day = excluded.per_day
        WHERE r.day <= excluded.day
        RETURNING r.refused;
END;
