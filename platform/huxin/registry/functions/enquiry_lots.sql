-- Questions that came at once, and what was answered to them: each a round trip, one transaction and one statement for all.
-- A statement costs as much to begin as to run for one question; of several it is begun once.

-- What enquiry_gather tells of each question, by its place. Who is not known is claimed where p_claims says so: by the one
-- key that there is of each kind. Where somebody is not known otherwise, or the keys are in force no longer, `member_status`
-- is null, nothing is counted, and the question has to be asked by itself. If another is just making somebody known, a load
-- maybe, nobody waits for long: the lot is refused, and each question is asked by itself. Of the keys the active one stands
-- in the first column of p_schemes; a row that has fewer schemes or marks than another repeats its first.
CREATE OR REPLACE FUNCTION enquiry_gather_lot(
    p_members integer[], p_purposes text[], p_tokens uuid[], p_schemes smallint[], p_name_marks uuid[],
    p_mobile_tokens uuid[], p_mobile_schemes smallint[], p_nows timestamptz[], p_todays date[], p_stacking_days integer[],
    p_per_minute integer[], p_blind boolean[], p_claims boolean[])
RETURNS TABLE (place integer, member_status text, member_tier text, subject uuid, mobile uuid, facts bytea,
    minute_used integer, day_used integer, member_reported date, met boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET datestyle = 'ISO'
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashagg = off
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off SET lock_timeout = '50ms'
AS $$
DECLARE
    -- Of all: what lies between two questions of one moment is told apart by asked_at. Partitions are chosen by these.
    since uuid := id_floor((SELECT min(n) FROM unnest(p_nows) n) - interval '365 days');
    until uuid := id_floor((SELECT max(n) FROM unnest(p_nows) n) + interval '1 minute');
    asked record; used integer[]; made boolean := false;
BEGIN
    FOR asked IN
        SELECT k.*, f.told, f.others, f.several, f.pledged
        FROM (
            SELECT w.*, w.subject_id IS NOT NULL AND (w.mobile_id IS NOT NULL OR NOT w.by_mobile) AND w.in_force AS known
            FROM (
                SELECT v.place, v.member, v.purpose, v.at, v.today, v.stacking_days, v.per_minute, v.blind, v.marks,
                    v.by_mobile, v.status, v.tier, v.reported, v.in_force, v.met,
                    v.claimed AND (v.subject_id IS NULL OR v.mobile_id IS NULL AND v.by_mobile) AS made,
                    CASE WHEN v.claimed AND v.subject_id IS NULL
                        THEN subject_of(ARRAY[v.token], ARRAY[v.scheme], true, v.at) ELSE v.subject_id END AS subject_id,
                    CASE WHEN v.claimed AND v.mobile_id IS NULL AND v.by_mobile
                        THEN mobile_of(ARRAY[v.mobile_token], ARRAY[v.mobile_scheme], true, v.at)
                        ELSE v.mobile_id END AS mobile_id
                FROM (
                    SELECT u.n AS place, u.member, u.purpose, u.at, u.today, u.stacking_days, u.per_minute, u.blind,
                        p_name_marks[u.n : u.n] AS marks, u.mobile_token IS NOT NULL AS by_mobile, u.token,
                        p_schemes[u.n][1] AS scheme, u.mobile_token, u.mobile_scheme, m.status, m.tier,
                        coalesce(m.as_of_date, (m.created_at AT TIME ZONE 'Asia/Shanghai')::date) AS reported,
                        a.subject_id, n.mobile_id, coalesce(a.met, false) AS met, f.yes AS in_force,
                        u.claims AND m.status = 'active' AND f.yes AS claimed
                    FROM (
                        SELECT q.*, q.number::integer AS n FROM unnest(p_members, p_purposes, p_tokens, p_mobile_tokens,
                            p_mobile_schemes, p_nows, p_todays, p_stacking_days, p_per_minute, p_blind, p_claims)
                            WITH ORDINALITY AS q(member, purpose, token, mobile_token, mobile_scheme, at, today,
                                stacking_days, per_minute, blind, claims, number)
                    ) u
                    JOIN member m ON m.id = u.member
                    LEFT JOIN token_scheme s ON s.id = p_schemes[u.n][1]
                    CROSS JOIN LATERAL (
                        SELECT (s.state = 1 AND s.beside <@ p_schemes[u.n : u.n]) IS NOT FALSE AS yes) f
                    LEFT JOIN alias a ON m.status = 'active' AND a.token = u.token AND a.scheme = p_schemes[u.n][1]
                    LEFT JOIN mobile_alias n
                        ON m.status = 'active' AND n.token = u.mobile_token AND n.scheme = u.mobile_scheme
                    OFFSET 0
                ) v
            ) w
            OFFSET 0
        ) k
        LEFT JOIN LATERAL enquiry_facts(k.subject_id, k.member, k.mobile_id, k.by_mobile, k.marks, k.at, k.today,
            k.stacking_days, since, until) f ON k.known AND NOT k.made AND (k.met OR NOT k.blind)
    LOOP
        -- Another may have made him known while this statement waited, with a loan that it is too old to see.
        IF asked.made AND asked.known THEN
            SELECT f.told, f.others, f.several, f.pledged
                INTO asked.told, asked.others, asked.several, asked.pledged
                FROM enquiry_facts(asked.subject_id, asked.member, asked.mobile_id, asked.by_mobile, asked.marks, asked.at,
                    asked.today, asked.stacking_days, since, until) f;
        END IF;
        place := asked.place;
        member_status := CASE WHEN asked.known OR asked.status <> 'active' THEN asked.status END;
        member_tier := asked.tier;
        subject := asked.subject_id;
        mobile := asked.mobile_id;
        member_reported := asked.reported;
        met := asked.met;
        facts := NULL;
        minute_used := NULL;
        day_used := NULL;
        IF asked.told IS NOT NULL THEN
            facts := convert_to(CASE WHEN asked.several OR asked.pledged
                THEN facts_numbered(asked.told, asked.others, asked.pledged, subject, asked.member, asked.at)
                ELSE asked.told END, 'UTF8');
            used := quota_counted(asked.member, asked.purpose, asked.at, asked.today, asked.per_minute);
            minute_used := used[1];
            day_used := used[2];
        END IF;
        made := made OR asked.made;
        RETURN NEXT;
    END LOOP;
    -- A claim has to survive a crash (see enquiry_gather). Where there is none, nothing here is worth waiting for.
    IF NOT made THEN PERFORM set_config('synchronous_commit', 'off', true); END IF;
END $$;

-- What enquiry_record does of each; gives the places of those that were recorded now. A key that was used before, or is under way,
-- is none of them, and enquiry_record tells what it stands for. All are recorded, or none.
CREATE OR REPLACE FUNCTION enquiry_record_lot(
    p_ids uuid[], p_members integer[], p_subjects uuid[], p_mobiles uuid[], p_keys text[], p_digests bytea[],
    p_purposes text[], p_products smallint[], p_amounts bigint[], p_consent_nos text[], p_consent_untils date[],
    p_staff text[], p_references text[], p_policies text[], p_tiers text[], p_facts bytea[], p_answers bytea[],
    p_asked_ats timestamptz[], p_outbox uuid[], p_bodies text[])
RETURNS SETOF integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE fresh uuid[];
BEGIN
    WITH put AS (
        INSERT INTO enquiry_key AS k (member_id, key, digest, enquiry_id, subject_id, reservable)
            SELECT u.member, u.key, u.digest, u.id, u.subject, u.purpose = 'application'
            FROM unnest(p_ids, p_members, p_subjects, p_keys, p_digests, p_purposes)
                AS u(id, member, subject, key, digest, purpose)
            WHERE pg_try_advisory_xact_lock(hashtextextended(u.key, u.member))
            ON CONFLICT (member_id, key) DO NOTHING RETURNING k.enquiry_id
    ) SELECT array_agg(p.enquiry_id) INTO fresh FROM put p;
    INSERT INTO enquiry (subject_id, id, member_id, mobile_id, asked_at, purpose, product, amount, consent_no,
            consent_until, staff, reference, policy, tier, facts, answer)
        SELECT u.* FROM unnest(p_subjects, p_ids, p_members, p_mobiles, p_asked_ats, p_purposes, p_products, p_amounts,
            p_consent_nos, p_consent_untils, p_staff, p_references, p_policies, p_tiers, p_facts, p_answers)
            AS u(subject, id, member, mobile, asked_at, purpose, product, amount, consent_no, consent_until, staff,
                reference, policy, tier, facts, answer)
        WHERE u.id = ANY (fresh);
    INSERT INTO outbox (id, topic, body, recorded_at)
        SELECT u.id, 'enquiry.answered', u.body::jsonb, u.asked_at
        FROM unnest(p_outbox, p_bodies, p_asked_ats, p_ids) AS u(id, body, asked_at, enquiry) WHERE u.enquiry = ANY (fresh);
    RETURN QUERY SELECT u.place::integer FROM unnest(p_ids) WITH ORDINALITY AS u(id, place) WHERE u.id = ANY (fresh);
END $$;
