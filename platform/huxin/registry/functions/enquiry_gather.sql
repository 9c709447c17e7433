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
    PERFORM set_config('synchronous_commit', 'off', true);
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
    PERFORM set_config('synchronous_commit', 'off', true);
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
    OUT minute_used integer, OUT day_used integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    loans json; pledges json; asked json; others_recent json; by_mobile json; enquirers integer;
    since uuid := id_floor(p_now - interval '365 days');
    until uuid := id_floor(p_now + interval '1 minute');
    this_minute bigint := floor(extract(epoch FROM p_now) / 60);
BEGIN
    SELECT m.status, m.tier INTO member_status, member_tier FROM member m WHERE m.id = p_member;
    IF member_status IS DISTINCT FROM 'active' THEN RETURN; END IF;
    subject := subject_of(p_tokens, p_schemes, p_claim, p_now);

    -- Effective day: a stale loan's last confirmed one, an ended one's last reported one, else its member's newest.
    WITH held AS MATERIALIZED (
        SELECT l.*, d.effective, a.dpd24, a.until AS bad_before, a.since AS bad_first, a.overdue AS bad_amount,
            l.overdue_since IS NOT NULL OR l.class5 >= 3 OR l.status = 5 AS bad,
            l.ended_by IS NULL AND (l.status IN (1, 2, 3, 4) OR (l.status = 5 AND l.balance > 0)) AS open,
            row_number() OVER (ORDER BY l.disbursed_on, l.member_id, l.loan_no) AS place
        FROM loan l JOIN member m ON m.id = l.member_id
        CROSS JOIN LATERAL (SELECT coalesce(l.stale_as_of,
            greatest(CASE WHEN l.ended_by IS NULL THEN m.as_of_date ELSE l.ended_on - 1 END, l.as_of_date)
            ) AS effective) d
        LEFT JOIN LATERAL (
            SELECT max(x.dpd) FILTER (WHERE x.until >= p_today - interval '24 months') AS dpd24,
                min(x.since) AS since, max(x.until) AS until, max(x.overdue_amount) AS overdue
            FROM loan_adverse x
            WHERE x.subject_id = l.subject_id AND x.member_id = l.member_id AND x.loan_no = l.loan_no
        ) a ON l.version > 1
        WHERE l.subject_id = subject AND l.void_by IS NULL
    ), pledged AS MATERIALIZED (
        SELECT * FROM reservations_live(subject, p_now)
    ), others AS MATERIALIZED (
        SELECT array_agg(o.member_id ORDER BY o.place) AS who FROM (
            SELECT b.member_id, min(b.place) AS place FROM (
                SELECT h.member_id, h.place FROM held h
                UNION ALL SELECT p.member_id, p.place + 1000000 FROM pledged p
            ) b WHERE b.member_id <> p_member GROUP BY b.member_id
        ) o
    )
    SELECT (SELECT json_agg(t) FROM (
            SELECT coalesce(array_position(o.who, h.member_id), 0) AS m, h.role, h.borrower_kind AS kind, h.product,
                h.status, h.class5, h.balance, h.principal, h.next_due_amount AS next_due,
                h.overdue_amount AS overdue, coalesce(greatest(h.effective - h.overdue_since, 0), 0) AS dpd, h.max_dpd,
                greatest(h.effective - h.overdue_since, h.dpd24, 0) AS dpd24,
                CASE WHEN h.bad THEN CASE WHEN NOT h.open THEN coalesce(h.closed_on, h.effective) END
                    WHEN h.bad_before IS NOT NULL THEN h.bad_before
                    WHEN h.max_dpd > 0 THEN coalesce(h.closed_on, h.as_of_date) END AS bad_until,
                h.disbursed_on, h.due_on, h.closed_on, h.repayment_method AS method, h.terms_left,
                h.special_event AS event, h.hardship, h.open, false AS disputed, h.name_mark = p_name_mark AS name,
                least(h.bad_first, CASE WHEN h.bad THEN coalesce(h.overdue_since, h.as_of_date) END) AS bad_since,
                greatest(h.bad_amount, CASE WHEN h.bad THEN h.overdue_amount END) AS bad_amount
            FROM held h CROSS JOIN others o ORDER BY h.place) t),
        (SELECT json_agg(t) FROM (
            SELECT coalesce(array_position(o.who, p.member_id), 0) AS m, p.amount,
                moment_text(p.granted_at) AS granted_at, moment_text(p.expires_at) AS expires_at
            FROM pledged p CROSS JOIN others o ORDER BY p.place) t)
    INTO loans, pledges;

    WITH found AS MATERIALIZED (
        SELECT e.member_id, e.member_id = p_member AS own, m.kind, e.asked_at AS at
        FROM enquiry e JOIN member m ON m.id = e.member_id
        WHERE e.subject_id = subject AND e.id >= since AND e.id < until AND e.purpose IN ('application', 'guarantee')
    )
    SELECT (SELECT json_agg(t) FROM (
            SELECT f.own, f.kind,
                count(*) FILTER (WHERE f.at > p_now - interval '7 days') AS d7,
                count(*) FILTER (WHERE f.at > p_now - interval '15 days') AS d15,
                count(*) FILTER (WHERE f.at > p_now - interval '30 days') AS d30,
                count(*) FILTER (WHERE f.at > p_now - interval '90 days') AS d90,
                count(*) FILTER (WHERE f.at > p_now - interval '180 days') AS d180,
                count(*) FILTER (WHERE f.at > p_now - interval '365 days') AS d365
            FROM found f GROUP BY f.own, f.kind ORDER BY f.own DESC, f.kind) t),
        (SELECT count(DISTINCT f.member_id) FROM found f WHERE NOT f.own AND f.at > p_now - interval '30 days'),
        (SELECT row_to_json(t) FROM (
            SELECT count(*) AS enquiries, count(DISTINCT f.member_id) AS members FROM found f
            WHERE NOT f.own AND f.at > p_now - make_interval(days => p_stacking_days)) t)
    INTO asked, enquirers, others_recent;

    IF cardinality(p_mobile_tokens) > 0 THEN
        mobile := mobile_of(p_mobile_tokens, p_mobile_schemes, p_claim, p_now);
        by_mobile := mobile_counts(mobile, p_member, p_now);
    END IF;

    SELECT convert_to(row_to_json(t)::text, 'UTF8') INTO facts FROM (
        SELECT p_today AS today, moment_text(p_now) AS now, coalesce(loans, '[]') AS loans,
            coalesce(pledges, '[]') AS reservations, coalesce(asked, '[]') AS enquiries, enquirers AS enquirers30,
            others_recent, by_mobile AS mobile, 0 AS disputes) t;

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
