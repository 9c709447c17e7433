-- The first round trip of an enquiry: keys to a subject (claimed when new), what the registry knows of it, the quota.
-- What it reads and counts need not survive a crash. A claim has to, before the enquiry is recorded: the server may crash
-- between the two, and an enquiry would stand under a subject to which no key leads.

-- Whom the keys name; in one snapshot, since an alias that is being re-encrypted stands under one of two keys. Who is
-- known by an earlier key of the entry zone only gets an alias under the present one, and leaves one that is closed.
-- When nobody is known, one subject is claimed under all keys that are open. Two that claim the same person have a key
-- in common, whichever their active ones are, for a scheme is closed only when nobody claims under it any more; whoever
-- comes second with one of them takes what he made himself to the subject of the first.
CREATE OR REPLACE FUNCTION subject_of(p_tokens uuid[], p_schemes smallint[], p_claim boolean, p_now timestamptz)
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE found_id uuid; made uuid := gen_random_uuid(); found_by smallint; writable smallint[]; written integer;
BEGIN
    SELECT a.subject_id, a.scheme INTO found_id, found_by
        FROM unnest(p_tokens, p_schemes) WITH ORDINALITY AS k(token, scheme, place)
        JOIN alias a ON a.token = k.token AND a.scheme = k.scheme ORDER BY k.place LIMIT 1;
    IF NOT p_claim OR cardinality(p_tokens) = 0 OR found_by = p_schemes[1]
        OR found_id IS NOT NULL AND NOT scheme_followed(found_by, p_schemes[1]) THEN RETURN found_id; END IF;
    writable := schemes_claimed(p_schemes);
    IF writable IS NULL THEN RAISE EXCEPTION 'keys' USING ERRCODE = 'HX001'; END IF;
    INSERT INTO alias (token, scheme, subject_id, claimed_at)
        SELECT k.token, k.scheme, coalesce(found_id, made), p_now FROM unnest(p_tokens, p_schemes) AS k(token, scheme)
        WHERE k.scheme = ANY (writable) ORDER BY k.scheme ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF found_id IS NOT NULL THEN
        DELETE FROM alias a USING unnest(p_tokens, p_schemes) AS k(token, scheme)
            WHERE a.token = k.token AND a.scheme = k.scheme AND a.subject_id = found_id AND k.scheme <> ALL (writable)
              AND scheme_followed(k.scheme, p_schemes[1]);
        RETURN found_id;
    END IF;
    IF written < cardinality(writable) THEN
        SELECT a.subject_id INTO STRICT found_id FROM unnest(p_tokens, p_schemes) WITH ORDINALITY AS k(token, scheme, place)
            JOIN alias a ON a.token = k.token AND a.scheme = k.scheme
            WHERE a.subject_id <> made ORDER BY k.place LIMIT 1;
        UPDATE alias a SET subject_id = found_id FROM unnest(p_tokens, p_schemes) AS k(token, scheme)
            WHERE a.token = k.token AND a.scheme = k.scheme AND a.subject_id = made;
        RETURN found_id;
    END IF;
    RETURN made;
END $$;

-- The same for a mobile number, which leads to a random mobile_id and never to a subject.
CREATE OR REPLACE FUNCTION mobile_of(p_tokens uuid[], p_schemes smallint[], p_claim boolean, p_now timestamptz)
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE found_id uuid; made uuid := gen_random_uuid(); found_by smallint; writable smallint[]; written integer;
BEGIN
    SELECT a.mobile_id, a.scheme INTO found_id, found_by
        FROM unnest(p_tokens, p_schemes) WITH ORDINALITY AS k(token, scheme, place)
        JOIN mobile_alias a ON a.token = k.token AND a.scheme = k.scheme ORDER BY k.place LIMIT 1;
    IF NOT p_claim OR cardinality(p_tokens) = 0 OR found_by = p_schemes[1]
        OR found_id IS NOT NULL AND NOT scheme_followed(found_by, p_schemes[1]) THEN RETURN found_id; END IF;
    writable := schemes_claimed(p_schemes);
    IF writable IS NULL THEN RAISE EXCEPTION 'keys' USING ERRCODE = 'HX001'; END IF;
    INSERT INTO mobile_alias (token, scheme, mobile_id, claimed_at)
        SELECT k.token, k.scheme, coalesce(found_id, made), p_now FROM unnest(p_tokens, p_schemes) AS k(token, scheme)
        WHERE k.scheme = ANY (writable) ORDER BY k.scheme ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF found_id IS NOT NULL THEN
        DELETE FROM mobile_alias a USING unnest(p_tokens, p_schemes) AS k(token, scheme)
            WHERE a.token = k.token AND a.scheme = k.scheme AND a.mobile_id = found_id AND k.scheme <> ALL (writable)
              AND scheme_followed(k.scheme, p_schemes[1]);
        RETURN found_id;
    END IF;
    IF written < cardinality(writable) THEN
        SELECT a.mobile_id INTO STRICT found_id FROM unnest(p_tokens, p_schemes) WITH ORDINALITY AS k(token, scheme, place)
            JOIN mobile_alias a ON a.token = k.token AND a.scheme = k.scheme
            WHERE a.mobile_id <> made ORDER BY k.place LIMIT 1;
        UPDATE mobile_alias a SET mobile_id = found_id FROM unnest(p_tokens, p_schemes) AS k(token, scheme)
            WHERE a.token = k.token AND a.scheme = k.scheme AND a.mobile_id = made;
        RETURN found_id;
    END IF;
    RETURN made;
END $$;

-- Counts a question against its member's quota: how many there were in the minute and on the day, this one among them.
-- Who comes with a minute just past (it waited for its turn) is counted in the present one, and resets nothing.
CREATE OR REPLACE FUNCTION quota_counted(
    p_member integer, p_purpose text, p_now timestamptz, p_today date, p_per_minute integer)
RETURNS integer[] LANGUAGE plpgsql AS $$
DECLARE used integer[];
BEGIN
    INSERT INTO quota AS q VALUES (p_member, p_purpose, floor(extract(epoch FROM p_now) / 60), 1, p_today, 1)
        ON CONFLICT (member_id, purpose) DO UPDATE SET
            minute_used = CASE WHEN q.minute - excluded.minute BETWEEN 0 AND 2 THEN q.minute_used + 1 ELSE 1 END,
            day_used = CASE WHEN q.day <> excluded.day AND q.minute - excluded.minute NOT BETWEEN 1 AND 2 THEN 1
                WHEN q.minute - excluded.minute BETWEEN 0 AND 2 AND q.minute_used >= p_per_minute THEN q.day_used
                ELSE q.day_used + 1 END,
            minute = CASE WHEN q.minute - excluded.minute BETWEEN 1 AND 2 THEN q.minute ELSE excluded.minute END,
            day = CASE WHEN q.minute - excluded.minute BETWEEN 1 AND 2 THEN q.day ELSE excluded.day END
        RETURNING ARRAY[q.minute_used, q.day_used] INTO used;
    RETURN used;
END $$;

CREATE OR REPLACE FUNCTION enquiry_gather(
    p_member integer, p_purpose text, p_tokens uuid[], p_schemes smallint[], p_claim boolean, p_name_marks uuid[],
    p_mobile_tokens uuid[], p_mobile_schemes smallint[], p_now timestamptz, p_today date, p_stacking_days integer,
    p_per_minute integer DEFAULT NULL, p_blind boolean DEFAULT false, p_in_lot boolean DEFAULT false,
    OUT member_status text, OUT member_tier text, OUT subject uuid, OUT mobile uuid, OUT facts bytea,
    OUT minute_used integer, OUT day_used integer, OUT member_reported date, OUT met boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET datestyle = 'ISO'
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashagg = off
AS $$
DECLARE
    known boolean; stale boolean; told text; others integer[]; pledged boolean; several boolean; used integer[];
    since uuid := id_floor(p_now - interval '365 days');
    until uuid := id_floor(p_now + interval '1 minute');
BEGIN
    -- Who has never reported is given the time since it joined. Even reading may write to the log (pages that are
    -- tidied on the way), and where everybody is known nothing here is worth waiting for.
    SELECT m.status, m.tier, coalesce(m.as_of_date, (m.created_at AT TIME ZONE 'Asia/Shanghai')::date), a.subject_id,
            n.mobile_id, a.subject_id IS NOT NULL AND (n.mobile_id IS NOT NULL OR p_mobile_tokens = '{}'),
            NOT (s.state = 1 AND s.beside <@ p_schemes), coalesce(a.met, false),
            CASE WHEN a.subject_id IS NOT NULL AND (n.mobile_id IS NOT NULL OR p_mobile_tokens = '{}')
                THEN set_config('synchronous_commit', 'off', true) END
        INTO member_status, member_tier, member_reported, subject, mobile, known, stale, met
        FROM member m
        LEFT JOIN token_scheme s ON s.id = p_schemes[1]
        LEFT JOIN alias a ON m.status = 'active' AND a.token = p_tokens[1] AND a.scheme = p_schemes[1]
        LEFT JOIN mobile_alias n
            ON m.status = 'active' AND n.token = p_mobile_tokens[1] AND n.scheme = p_mobile_schemes[1]
        WHERE m.id = p_member;
    -- As enquiry_gather_lot, for one: in a lot nobody waits for long for what another is making.
    IF p_in_lot THEN
        IF stale OR known IS NOT TRUE AND member_status = 'active' AND NOT p_claim THEN
            member_status := NULL;
            RETURN;
        END IF;
        IF known IS NOT TRUE THEN PERFORM set_config('lock_timeout', '50ms', true); END IF;
    END IF;
    IF stale THEN RAISE EXCEPTION 'keys' USING ERRCODE = 'HX001'; END IF;  -- read the keyrings anew
    -- Where blind mode is on, a person's keys are brought together first (blind_meet), and then the question is asked again.
    IF p_blind AND NOT met AND member_status = 'active' THEN RETURN; END IF;
    IF known IS NOT TRUE THEN
        IF member_status IS DISTINCT FROM 'active' THEN RETURN; END IF;
        subject := subject_of(p_tokens, p_schemes, p_claim, p_now);
        IF p_mobile_tokens <> '{}' THEN
            mobile := mobile_of(p_mobile_tokens, p_mobile_schemes, p_claim, p_now);
        END IF;
    END IF;

    SELECT f.told, f.others, f.several, f.pledged INTO told, others, several, pledged
        FROM enquiry_facts(subject, p_member, mobile, p_mobile_tokens <> '{}', p_name_marks, p_now, p_today,
            p_stacking_days, since, until) f;
    IF several OR pledged THEN
        told := facts_numbered(told, others, pledged, subject, p_member, p_now);
    END IF;
    facts := convert_to(told, 'UTF8');

    -- Last, for its row is the member's own and held until the commit.
    used := quota_counted(p_member, p_purpose, p_now, p_today, p_per_minute);
    minute_used := used[1];
    day_used := used[2];
END $$;
