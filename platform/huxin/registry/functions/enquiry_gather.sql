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

-- One statement tells nearly everything: each one more costs ten microseconds to start, and so does each sort and each
-- group of few rows; every expression is made ready first. So counts are written as letters: an enquiry is the number
-- of windows it lies in, and `r` where it is recent; to these a member adds `M` for the month, `R` for recent.
CREATE OR REPLACE FUNCTION enquiry_gather(
    p_member integer, p_purpose text, p_tokens uuid[], p_schemes smallint[], p_claim boolean, p_name_marks uuid[],
    p_mobile_tokens uuid[], p_mobile_schemes smallint[], p_now timestamptz, p_today date, p_stacking_days integer,
    p_per_minute integer DEFAULT NULL, p_blind boolean DEFAULT false, p_known_only boolean DEFAULT false,
    OUT member_status text, OUT member_tier text, OUT subject uuid, OUT mobile uuid, OUT facts bytea,
    OUT minute_used integer, OUT day_used integer, OUT member_reported date, OUT met boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET datestyle = 'ISO'
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashagg = off
AS $$
DECLARE
    known boolean; stale boolean; told text; others integer[]; pledged boolean; several boolean;
    pledges text; pledging integer[]; other integer; place integer := 1;
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
    -- Of several that are asked together none may wait for what another is making, nor spoil what the others are told.
    IF p_known_only AND (stale OR known IS NOT TRUE AND member_status = 'active') THEN member_status := NULL; RETURN; END IF;
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

    -- Other members stand as @id@ until they are numbered by appearance; the first, often the only one, is at once.
    SELECT concat('{"today":"', p_today, '","now":"', moment_text(p_now), '","loans":[', l.told,
                '],"reservations":[],"enquiries":[', e.told,
                '],"enquirers30":', length(translate(e.others, 'Rr123456', '')),
                ',"others_recent":{"enquiries":', length(translate(e.others, 'RM123456', '')),
                ',"members":', length(translate(e.others, 'rM123456', '')),
                '},"mobile":', CASE WHEN p_mobile_tokens = '{}' THEN 'null' ELSE concat('{"subjects":',
                    (SELECT count(*) FROM mobile_subject s WHERE s.mobile_id = mobile),
                    ',"enquiries":[', e.by_mobile, ']}') END, ',"disputes":0}'),
            l.others, strpos(l.told, '@') > 0, EXISTS (
                SELECT FROM reservation r WHERE r.subject_id = subject AND r.state IN (1, 2) AND r.expires_at > p_now)
        INTO told, others, several, pledged
    FROM (
        SELECT coalesce(replace(u.told, '@' || u.others[1] || '@', '1'), u.told) AS told, u.others FROM (
        SELECT string_agg(t.told, ',') AS told,
            array_agg(t.member_id) FILTER (WHERE t.member_id <> p_member) AS others
        FROM (
            SELECT l.member_id, concat(
                '{"m":', CASE WHEN l.member_id = p_member THEN '0' ELSE '@' || l.member_id || '@' END,
                ',"role":', l.role, ',"kind":', l.borrower_kind, ',"product":', l.product, ',"status":', l.status,
                ',"class5":', l.class5, ',"balance":', l.balance, ',"principal":', l.principal,
                ',"next_due":', coalesce(l.next_due_amount::text, 'null'), ',"overdue":', l.overdue_amount,
                ',"dpd":', coalesce(greatest(d.effective - l.overdue_since, 0), 0),
                ',"max_dpd":', coalesce(l.max_dpd::text, 'null'),
                ',"dpd24":', greatest(d.effective - l.overdue_since, a.dpd24, 0),
                ',"bad_until":', coalesce('"' || CASE
                    WHEN d.bad THEN CASE WHEN NOT d.open THEN coalesce(l.closed_on, d.effective) END
                    WHEN a.until IS NOT NULL THEN a.until
                    WHEN l.max_dpd > 0 THEN coalesce(l.closed_on, l.as_of_date) END || '"', 'null'),
                ',"disbursed_on":"', l.disbursed_on, '","due_on":"', l.due_on,
                '","closed_on":', coalesce('"' || l.closed_on || '"', 'null'),
                ',"method":', l.repayment_method, ',"terms_left":', coalesce(l.terms_left::text, 'null'),
                ',"event":', coalesce(l.special_event::text, 'null'),
                ',"hardship":', coalesce(l.hardship::text, 'null'),
                ',"open":', CASE WHEN d.open THEN 'true' ELSE 'false' END, ',"disputed":false',
                ',"name":', coalesce((l.name_mark = ANY (p_name_marks))::text, 'null'),
                ',"bad_since":', coalesce('"' || least(
                    a.since, CASE WHEN d.bad THEN coalesce(l.overdue_since, l.as_of_date) END) || '"', 'null'),
                ',"bad_amount":',
                coalesce(greatest(a.overdue, CASE WHEN d.bad THEN l.overdue_amount END)::text, 'null'), '}') AS told
            FROM loan l JOIN member m ON m.id = l.member_id
            -- Effective day: a stale loan's last confirmed one, an ended one's last reported one, else its member's newest.
            CROSS JOIN LATERAL (
                SELECT coalesce(l.stale_as_of, greatest(
                        CASE WHEN l.ended_by IS NULL THEN m.as_of_date ELSE l.ended_on - 1 END, l.as_of_date)) AS effective,
                    l.overdue_since IS NOT NULL OR l.class5 >= 3 OR l.status = 5 AS bad,
                    l.ended_by IS NULL AND (l.status IN (1, 2, 3, 4) OR (l.status = 5 AND l.balance > 0)) AS open
            ) d
            LEFT JOIN LATERAL (
                SELECT max(x.dpd) FILTER (WHERE x.until >= p_today - interval '24 months') AS dpd24,
                    min(x.since) AS since, max(x.until) AS until, max(x.overdue_amount) AS overdue
                FROM loan_adverse x
                WHERE x.subject_id = l.subject_id AND x.member_id = l.member_id AND x.loan_no = l.loan_no
            ) a ON l.version > 1
            WHERE l.subject_id = subject AND l.void_by IS NULL
            ORDER BY l.disbursed_on, l.member_id, l.loan_no
        ) t
        ) u OFFSET 0
    ) l, (
        SELECT string_agg(g.told, ',') FILTER (WHERE NOT g.by_mobile) AS told,
            string_agg(g.told, ',') FILTER (WHERE g.by_mobile) AS by_mobile,
            coalesce(string_agg(g.codes, '') FILTER (WHERE NOT g.own AND NOT g.by_mobile), '') AS others
        FROM (
            SELECT k.by_mobile, k.own, k.codes, concat(
                '{"own":', CASE WHEN k.own THEN 'true' ELSE 'false' END, ',"kind":', to_json(k.kind),
                ',"d7":', length(translate(k.codes, 'RMr12345', '')), ',"d15":', length(translate(k.codes, 'RMr1234', '')),
                ',"d30":', length(translate(k.codes, 'RMr123', '')), ',"d90":', length(translate(k.codes, 'RMr12', '')),
                ',"d180":', length(translate(k.codes, 'RMr1', '')), ',"d365":', length(translate(k.codes, 'RMr', '')),
                '}') AS told
            -- A member is of one kind, so members may be counted kind by kind.
            FROM (
                SELECT o.by_mobile, o.own, o.kind, string_agg(concat(o.codes,
                    CASE WHEN translate(o.codes, 'r123', '') <> '' THEN 'M' END,
                    CASE WHEN strpos(o.codes, 'r') > 0 THEN 'R' END), '') AS codes
                FROM (
                    SELECT q.by_mobile, q.member_id = p_member AS own, m.kind, string_agg(concat(
                        CASE WHEN q.asked_at > p_now - make_interval(days => p_stacking_days) THEN 'r' END,
                        CASE WHEN q.asked_at > p_now - interval '7 days' THEN '6'
                            WHEN q.asked_at > p_now - interval '15 days' THEN '5'
                            WHEN q.asked_at > p_now - interval '30 days' THEN '4'
                            WHEN q.asked_at > p_now - interval '90 days' THEN '3'
                            WHEN q.asked_at > p_now - interval '180 days' THEN '2'
                            WHEN q.asked_at > p_now - interval '365 days' THEN '1' END), '') AS codes
                    FROM (
                        SELECT false AS by_mobile, e.member_id, e.asked_at FROM enquiry e
                        WHERE e.subject_id = subject AND e.id >= since AND e.id < until
                          AND e.purpose IN ('application', 'guarantee')
                        UNION ALL
                        SELECT true, e.member_id, e.asked_at FROM mobile_enquiry e
                        WHERE e.mobile_id = mobile AND e.id >= since AND e.id < until
                          AND e.purpose IN ('application', 'guarantee')
                    ) q JOIN member m ON m.id = q.member_id
                    GROUP BY q.by_mobile, q.member_id = p_member, m.kind, q.member_id
                    ORDER BY q.by_mobile, q.member_id = p_member DESC, m.kind
                ) o GROUP BY o.by_mobile, o.own, o.kind ORDER BY o.by_mobile, o.own DESC, o.kind
            ) k
            OFFSET 0  -- else each of the three above would write the counts for itself
        ) g
    ) e;
    IF pledged THEN
        SELECT string_agg(concat('{"m":', CASE WHEN p.member_id = p_member THEN '0' ELSE '@' || p.member_id || '@' END,
                    ',"amount":', p.amount, ',"granted_at":"', moment_text(p.granted_at),
                    '","expires_at":"', moment_text(p.expires_at), '"}'), ',' ORDER BY p.place),
                array_agg(p.member_id ORDER BY p.place) FILTER (WHERE p.member_id <> p_member)
            INTO pledges, pledging FROM reservations_live(subject, p_now) p;
        told := replace(told, '"reservations":[]', concat('"reservations":[', pledges, ']'));
        others := coalesce(others, '{}') || pledging;
    END IF;
    IF several OR pledged THEN
        FOREACH other IN ARRAY others LOOP
            CONTINUE WHEN place > 1 AND strpos(told, '@' || other || '@') = 0;
            told := replace(told, '@' || other || '@', place::text);
            place := place + 1;
        END LOOP;
    END IF;
    facts := convert_to(told, 'UTF8');

    -- Who comes with a minute just past (it waited for its turn) is counted in the present one, and resets nothing.
    -- Last, for its row is the member's own and held until the commit.
    INSERT INTO quota AS q VALUES (p_member, p_purpose, floor(extract(epoch FROM p_now) / 60), 1, p_today, 1)
        ON CONFLICT (member_id, purpose) DO UPDATE SET
            minute_used = CASE WHEN q.minute - excluded.minute BETWEEN 0 AND 2 THEN q.minute_used + 1 ELSE 1 END,
            day_used = CASE WHEN q.day <> excluded.day AND q.minute - excluded.minute NOT BETWEEN 1 AND 2 THEN 1
                WHEN q.minute - excluded.minute BETWEEN 0 AND 2 AND q.minute_used >= p_per_minute THEN q.day_used
                ELSE q.day_used + 1 END,
            minute = CASE WHEN q.minute - excluded.minute BETWEEN 1 AND 2 THEN q.minute ELSE excluded.minute END,
            day = CASE WHEN q.minute - excluded.minute BETWEEN 1 AND 2 THEN q.day ELSE excluded.day END
        RETURNING q.minute_used, q.day_used INTO minute_used, day_used;
END $$;
