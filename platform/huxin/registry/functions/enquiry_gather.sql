-- The first round trip of an enquiry: keys to a subject (claimed when new), what the registry knows of it, the quota.
-- Nothing here need survive a crash by itself: the enquiry's own commit, which follows, carries the claim to disk.

-- Whom the keys name. Of several that are known the first decides; when none is, the first key is claimed (whoever
-- came first wins, and is read back), and the others then lead to the same subject.
CREATE OR REPLACE FUNCTION subject_of(p_tokens uuid[], p_schemes smallint[], p_claim boolean, p_now timestamptz)
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE found_id uuid;
BEGIN
    FOR i IN 1 .. cardinality(p_tokens) LOOP
        SELECT a.subject_id INTO found_id FROM alias a WHERE a.token = p_tokens[i] AND a.scheme = p_schemes[i];
        IF FOUND THEN RETURN found_id; END IF;
    END LOOP;
    IF NOT p_claim OR cardinality(p_tokens) = 0 THEN RETURN NULL; END IF;
    INSERT INTO alias (token, scheme, subject_id, claimed_at)
        VALUES (p_tokens[1], p_schemes[1], gen_random_uuid(), p_now)
        ON CONFLICT DO NOTHING RETURNING subject_id INTO found_id;
    IF NOT FOUND THEN
        SELECT a.subject_id INTO STRICT found_id FROM alias a
            WHERE a.token = p_tokens[1] AND a.scheme = p_schemes[1];
    END IF;
    INSERT INTO alias (token, scheme, subject_id, claimed_at)
        SELECT k.token, k.scheme, found_id, p_now
        FROM unnest(p_tokens[2:], p_schemes[2:]) AS k(token, scheme) ORDER BY k.token, k.scheme
        ON CONFLICT DO NOTHING;
    RETURN found_id;
END $$;

-- The same for a mobile number, which leads to a random mobile_id and never to a subject.
CREATE OR REPLACE FUNCTION mobile_of(p_tokens uuid[], p_schemes smallint[], p_claim boolean, p_now timestamptz)
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE found_id uuid;
BEGIN
    FOR i IN 1 .. cardinality(p_tokens) LOOP
        SELECT a.mobile_id INTO found_id FROM mobile_alias a
            WHERE a.token = p_tokens[i] AND a.scheme = p_schemes[i];
        IF FOUND THEN RETURN found_id; END IF;
    END LOOP;
    IF NOT p_claim OR cardinality(p_tokens) = 0 THEN RETURN NULL; END IF;
    INSERT INTO mobile_alias (token, scheme, mobile_id, claimed_at)
        VALUES (p_tokens[1], p_schemes[1], gen_random_uuid(), p_now)
        ON CONFLICT DO NOTHING RETURNING mobile_id INTO found_id;
    IF NOT FOUND THEN
        SELECT a.mobile_id INTO STRICT found_id FROM mobile_alias a
            WHERE a.token = p_tokens[1] AND a.scheme = p_schemes[1];
    END IF;
    INSERT INTO mobile_alias (token, scheme, mobile_id, claimed_at)
        SELECT k.token, k.scheme, found_id, p_now
        FROM unnest(p_tokens[2:], p_schemes[2:]) AS k(token, scheme) ORDER BY k.token, k.scheme
        ON CONFLICT DO NOTHING;
    RETURN found_id;
END $$;

CREATE OR REPLACE FUNCTION enquiry_gather(
    p_member integer, p_purpose text, p_tokens uuid[], p_schemes smallint[], p_claim boolean, p_name_mark uuid,
    p_mobile_tokens uuid[], p_mobile_schemes smallint[], p_now timestamptz, p_today date, p_stacking_days integer,
    p_per_minute integer DEFAULT NULL,
    OUT member_status text, OUT member_tier text, OUT subject uuid, OUT mobile uuid, OUT facts bytea,
    OUT minute_used integer, OUT day_used integer, OUT member_reported date)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    others integer[]; loans json; pledges json; asked json; enquirers integer; others_recent json; by_mobile json;
    since uuid := id_floor(p_now - interval '365 days');
    until uuid := id_floor(p_now + interval '1 minute');
    stacked timestamptz := p_now - make_interval(days => p_stacking_days);
    this_minute bigint := floor(extract(epoch FROM p_now) / 60);
BEGIN
    -- Even reading may write to the log (pages that are tidied on the way), and nothing here is worth waiting for.
    PERFORM set_config('synchronous_commit', 'off', true);
    -- Who has never reported is given the time since it joined.
    SELECT m.status, m.tier, coalesce(m.as_of_date, (m.created_at AT TIME ZONE 'Asia/Shanghai')::date)
        INTO member_status, member_tier, member_reported FROM member m WHERE m.id = p_member;
    IF member_status IS DISTINCT FROM 'active' THEN RETURN; END IF;
    subject := subject_of(p_tokens, p_schemes, p_claim, p_now);

    -- Other members are told apart by an ordinal: in the order of their first loans, then of their promises.
    SELECT array_agg(o.member_id ORDER BY o.first_on, o.member_id) INTO others FROM (
        SELECT l.member_id, min(l.disbursed_on) AS first_on FROM loan l
        WHERE l.subject_id = subject AND l.member_id <> p_member AND l.void_by IS NULL GROUP BY l.member_id
    ) o;
    IF EXISTS (SELECT FROM reservation r WHERE r.subject_id = subject AND r.state IN (1, 2) AND r.expires_at > p_now) THEN
        SELECT coalesce(others, '{}') || array_agg(o.member_id ORDER BY o.place) INTO others FROM (
            SELECT p.member_id, min(p.place) AS place FROM reservations_live(subject, p_now) p
            WHERE p.member_id <> p_member AND p.member_id <> ALL (coalesce(others, '{}')) GROUP BY p.member_id
        ) o;
        SELECT json_agg(t) INTO pledges FROM (
            SELECT coalesce(array_position(others, p.member_id), 0) AS m, p.amount,
                moment_text(p.granted_at) AS granted_at, moment_text(p.expires_at) AS expires_at
            FROM reservations_live(subject, p_now) p ORDER BY p.place) t;
    END IF;

    -- Effective day: a stale loan's last confirmed one, an ended one's last reported one, else its member's newest.
    SELECT json_agg(t) INTO loans FROM (
        SELECT coalesce(array_position(others, l.member_id), 0) AS m, l.role, l.borrower_kind AS kind, l.product,
            l.status, l.class5, l.balance, l.principal, l.next_due_amount AS next_due, l.overdue_amount AS overdue,
            coalesce(greatest(d.effective - l.overdue_since, 0), 0) AS dpd, l.max_dpd,
            greatest(d.effective - l.overdue_since, a.dpd24, 0) AS dpd24,
            CASE WHEN d.bad THEN CASE WHEN NOT d.open THEN coalesce(l.closed_on, d.effective) END
                WHEN a.until IS NOT NULL THEN a.until
                WHEN l.max_dpd > 0 THEN coalesce(l.closed_on, l.as_of_date) END AS bad_until,
            l.disbursed_on, l.due_on, l.closed_on, l.repayment_method AS method, l.terms_left,
            l.special_event AS event, l.hardship, d.open, false AS disputed, l.name_mark = p_name_mark AS name,
            least(a.since, CASE WHEN d.bad THEN coalesce(l.overdue_since, l.as_of_date) END) AS bad_since,
            greatest(a.overdue, CASE WHEN d.bad THEN l.overdue_amount END) AS bad_amount
        FROM loan l JOIN member m ON m.id = l.member_id
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
    ) t;

    -- A member is of one kind, so members may be counted kind by kind.
    SELECT json_agg(json_build_object('own', t.own, 'kind', t.kind, 'd7', t.d7, 'd15', t.d15, 'd30', t.d30,
                'd90', t.d90, 'd180', t.d180, 'd365', t.d365) ORDER BY t.own DESC, t.kind),
            coalesce(sum(t.members30) FILTER (WHERE NOT t.own), 0),
            json_build_object('enquiries', coalesce(sum(t.recent) FILTER (WHERE NOT t.own), 0),
                'members', coalesce(sum(t.recent_members) FILTER (WHERE NOT t.own), 0))
        INTO asked, enquirers, others_recent
        FROM (
            SELECT e.member_id = p_member AS own, m.kind,
                count(*) FILTER (WHERE e.asked_at > p_now - interval '7 days') AS d7,
                count(*) FILTER (WHERE e.asked_at > p_now - interval '15 days') AS d15,
                count(*) FILTER (WHERE e.asked_at > p_now - interval '30 days') AS d30,
                count(*) FILTER (WHERE e.asked_at > p_now - interval '90 days') AS d90,
                count(*) FILTER (WHERE e.asked_at > p_now - interval '180 days') AS d180,
                count(*) FILTER (WHERE e.asked_at > p_now - interval '365 days') AS d365,
                count(DISTINCT e.member_id) FILTER (WHERE e.asked_at > p_now - interval '30 days') AS members30,
                count(*) FILTER (WHERE e.asked_at > stacked) AS recent,
                count(DISTINCT e.member_id) FILTER (WHERE e.asked_at > stacked) AS recent_members
            FROM enquiry e JOIN member m ON m.id = e.member_id
            WHERE e.subject_id = subject AND e.id >= since AND e.id < until
              AND e.purpose IN ('application', 'guarantee')
            GROUP BY e.member_id = p_member, m.kind
        ) t;

    IF cardinality(p_mobile_tokens) > 0 THEN
        mobile := mobile_of(p_mobile_tokens, p_mobile_schemes, p_claim, p_now);
        by_mobile := mobile_counts(mobile, p_member, p_now);
    END IF;

    facts := convert_to('{"today":' || to_json(p_today) || ',"now":"' || moment_text(p_now)
        || '","loans":' || coalesce(loans::text, '[]') || ',"reservations":' || coalesce(pledges::text, '[]')
        || ',"enquiries":' || coalesce(asked::text, '[]') || ',"enquirers30":' || enquirers
        || ',"others_recent":' || others_recent || ',"mobile":' || coalesce(by_mobile::text, 'null')
        || ',"disputes":0}', 'UTF8');

    -- Last, for its row is the member's own and held until the commit.
    INSERT INTO quota AS q VALUES (p_member, p_purpose, this_minute, 1, p_today, 1)
        ON CONFLICT (member_id, purpose) DO UPDATE SET
            minute_used = CASE WHEN q.minute = excluded.minute THEN q.minute_used + 1 ELSE 1 END,
            day_used = CASE WHEN q.day <> excluded.day THEN 1
                WHEN q.minute = excluded.minute AND q.minute_used >= p_per_minute THEN q.day_used
                ELSE q.day_used + 1 END,
            minute = excluded.minute, day = excluded.day
        RETURNING q.minute_used, q.day_used INTO minute_used, day_used;
END $$;
