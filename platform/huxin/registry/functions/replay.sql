-- What was known of a subject at an earlier moment: the facts that enquiry_gather would have told then, in its very shape.
-- For the registry's owner alone. p_at is the moment of knowing, 'infinity' the present; p_now the moment that is asked
-- about, from which days and windows are counted.

-- The moment of the act that this transaction records, where the application has said it; else the transaction's own.
CREATE OR REPLACE FUNCTION moment_now() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(nullif(current_setting('huxin.moment', true), '')::timestamptz, now());

-- Members as they stood: the first of their states that was replaced later, else the present one.
CREATE OR REPLACE FUNCTION members_at(p_at timestamptz)
RETURNS TABLE (id integer, status text, kind text, tier text, as_of_date date)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT m.id, CASE WHEN p.superseded_at IS NULL THEN m.status ELSE p.status END,
        CASE WHEN p.superseded_at IS NULL THEN m.kind ELSE p.kind END,
        CASE WHEN p.superseded_at IS NULL THEN m.tier ELSE p.tier END,
        CASE WHEN p.superseded_at IS NULL THEN m.as_of_date ELSE p.as_of_date END
    FROM member m LEFT JOIN LATERAL (
        SELECT x.* FROM member_past x WHERE x.member_id = m.id AND x.superseded_at > p_at
        ORDER BY x.superseded_at LIMIT 1) p ON true
    WHERE m.created_at <= p_at;
END;

-- When a submission was published; -infinity where that is not known, so that what it did counts as ever known.
CREATE OR REPLACE FUNCTION published_at(p_member integer, p_submission uuid) RETURNS timestamptz
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce((SELECT s.published_at FROM submission s WHERE s.member_id = p_member AND s.id = p_submission),
        '-infinity');
END;

-- A subject's loans as they stood, without the void. A version is never voided while it is the current one: void are
-- those that the registry ended as corrected (2) or withdrawn (4), from their first moment. But it may become stale, and
-- fresh again when the submission that made it so is withdrawn, without a new version.
CREATE OR REPLACE FUNCTION loans_at(p_subject uuid, p_at timestamptz) RETURNS SETOF loan
LANGUAGE plpgsql STABLE ROWS 4 SET plan_cache_mode = force_generic_plan AS $$
DECLARE l loan;
BEGIN
    FOR l IN
        SELECT c.* FROM loan c WHERE c.subject_id = p_subject AND c.recorded_at <= p_at
        UNION ALL
        SELECT h.subject_id, h.member_id, h.loan_no, h.submission_id, h.recorded_at, h.as_of_date, h.version, h.ended_by,
            h.ended_on, h.stale_as_of, h.stale_by, h.void_by, h.name_mark, h.digest, h.principal, h.balance,
            h.next_due_amount, h.overdue_amount, h.annual_rate, h.max_dpd, h.terms, h.terms_left, h.disbursed_on,
            h.due_on, h.closed_on, h.next_due_on, h.overdue_since, h.consent_until, h.adverse_notice_on, h.role,
            h.borrower_kind, h.product, h.guarantee, h.repayment_method, h.class5, h.status, h.special_event,
            h.hardship, h.currency, h.region, h.contract_no, h.purpose, h.consent_no, h.mark_scheme
        FROM loan_history h
        WHERE p_at < 'infinity' AND h.subject_id = p_subject AND h.recorded_at <= p_at AND h.superseded_at > p_at
    LOOP
        CONTINUE WHEN l.ended_by IN (2, 4);
        IF p_at < 'infinity' THEN
            IF l.stale_by IS NOT NULL AND published_at(l.member_id, l.stale_by) > p_at THEN l.stale_as_of := NULL; END IF;
            IF l.stale_as_of IS NULL THEN
                SELECT x.stale_as_of INTO l.stale_as_of FROM loan_stale_past x
                WHERE x.subject_id = l.subject_id AND x.member_id = l.member_id AND x.loan_no = l.loan_no
                  AND x.version = l.version AND x.marked_at <= p_at AND x.taken_back_at > p_at LIMIT 1;
            END IF;
        END IF;
        RETURN NEXT l;
    END LOOP;
END $$;

-- The short history of arrears as it stood.
CREATE OR REPLACE FUNCTION adverse_at(p_subject uuid, p_member integer, p_loan_no text, p_at timestamptz)
RETURNS TABLE (since date, until date, dpd integer, overdue_amount bigint)
LANGUAGE sql STABLE ROWS 2
BEGIN ATOMIC
    SELECT x.since, x.until, x.dpd, x.overdue_amount FROM loan_adverse x
    WHERE x.subject_id = p_subject AND x.member_id = p_member AND x.loan_no = p_loan_no
      AND (p_at = 'infinity' OR published_at(x.member_id, x.superseded_by) <= p_at)
    UNION ALL
    SELECT x.since, x.until, x.dpd, x.overdue_amount FROM loan_adverse_past x
    WHERE p_at < 'infinity' AND x.subject_id = p_subject AND x.member_id = p_member AND x.loan_no = p_loan_no
      AND x.taken_back_at > p_at AND published_at(x.member_id, x.superseded_by) <= p_at;
END;

-- reservations_live, as it stood.
CREATE OR REPLACE FUNCTION reservations_at(p_subject uuid, p_at timestamptz, p_now timestamptz)
RETURNS TABLE (member_id integer, amount bigint, granted_at timestamptz, expires_at timestamptz, place bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT s.member_id, s.amount, s.granted_at, s.expires_at, row_number() OVER (ORDER BY s.granted_at, s.id)
    FROM (
        SELECT r.id, r.member_id, r.amount, r.granted_at, coalesce(p.state, r.state) AS state,
            coalesce(p.expires_at, r.expires_at) AS expires_at,
            CASE WHEN p.id IS NULL THEN r.loan_no ELSE p.loan_no END AS loan_no,
            CASE WHEN p.id IS NULL THEN r.contract_no ELSE p.contract_no END AS contract_no
        FROM reservation r LEFT JOIN LATERAL (
            SELECT x.* FROM reservation_past x
            WHERE x.subject_id = r.subject_id AND x.id = r.id AND x.superseded_at > p_at
            ORDER BY x.superseded_at LIMIT 1) p ON true
        WHERE r.subject_id = p_subject AND r.granted_at <= p_at) s
    WHERE s.state IN (1, 2) AND s.expires_at > p_now
      AND NOT (s.state = 2 AND EXISTS (
        SELECT FROM loans_at(p_subject, p_at) l
        WHERE l.member_id = s.member_id AND (l.loan_no = s.loan_no OR l.contract_no = s.contract_no)
          AND l.disbursed_on >= (s.granted_at AT TIME ZONE 'Asia/Shanghai')::date));
END;

-- What is known by a mobile, as it stood. Both are told by the log's feed, some moments after the enquiry itself; but
-- the subject that is asked about counts at once, as in enquiry_facts.
CREATE OR REPLACE FUNCTION mobile_counts_at(
    p_subject uuid, p_mobile uuid, p_member integer, p_at timestamptz, p_now timestamptz, p_before timestamptz)
RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    asked json; subjects integer;
    since uuid := id_floor(p_now - interval '365 days');
    until uuid := id_floor(p_now + interval '1 minute');
BEGIN
    SELECT count(*) + 1 INTO subjects FROM mobile_subject s
        WHERE s.mobile_id = p_mobile AND s.met_at < p_before AND s.subject_id IS DISTINCT FROM p_subject;
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
            FROM mobile_enquiry e JOIN members_at(p_at) m ON m.id = e.member_id
            WHERE e.mobile_id = p_mobile AND e.id >= since AND e.id < until AND e.asked_at < p_before
              AND e.purpose IN ('application', 'guarantee')
        ) f GROUP BY f.own, f.kind ORDER BY f.own DESC, f.kind) t;
    RETURN format('{"subjects":%s,"enquiries":%s}', subjects, replace(coalesce(asked::text, '[]'), E', \n ', ','));
END $$;

-- What was asked before the moment counts, not what was asked at it: so an enquiry's own moment gives what it was told.
CREATE OR REPLACE FUNCTION enquiry_facts_at(
    p_member integer, p_subject uuid, p_name_marks uuid[], p_by_mobile boolean, p_mobile uuid,
    p_at timestamptz, p_now timestamptz, p_today date, p_stacking_days integer) RETURNS text
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    others integer[]; loans json; pledges json; asked text; enquirers integer; others_recent text; by_mobile text;
    since uuid := id_floor(p_now - interval '365 days');
    until uuid := id_floor(p_now + interval '1 minute');
    before timestamptz := p_at;
    stacked timestamptz := p_now - make_interval(days => p_stacking_days);
BEGIN
    SELECT array_agg(o.member_id ORDER BY o.first_on, o.member_id) INTO others FROM (
        SELECT l.member_id, min(l.disbursed_on) AS first_on FROM loans_at(p_subject, p_at) l
        WHERE l.member_id <> p_member GROUP BY l.member_id
    ) o;
    IF EXISTS (SELECT FROM reservation r WHERE r.subject_id = p_subject) THEN
        SELECT coalesce(others, '{}') || coalesce(array_agg(o.member_id ORDER BY o.place), '{}') INTO others FROM (
            SELECT p.member_id, min(p.place) AS place FROM reservations_at(p_subject, p_at, p_now) p
            WHERE p.member_id <> p_member AND p.member_id <> ALL (coalesce(others, '{}')) GROUP BY p.member_id
        ) o;
        SELECT json_agg(t) INTO pledges FROM (
            SELECT coalesce(array_position(others, p.member_id), 0) AS m, p.amount,
                moment_text(p.granted_at) AS granted_at, moment_text(p.expires_at) AS expires_at
            FROM reservations_at(p_subject, p_at, p_now) p ORDER BY p.place) t;
    END IF;

    SELECT json_agg(t) INTO loans FROM (
        SELECT coalesce(array_position(others, l.member_id), 0) AS m, l.role, l.borrower_kind AS kind, l.product,
            l.status, l.class5, l.balance, l.principal, l.next_due_amount AS next_due, l.overdue_amount AS overdue,
            coalesce(greatest(d.effective - l.overdue_since, 0), 0) AS dpd, l.max_dpd,
            greatest(d.effective - l.overdue_since, a.dpd24, 0) AS dpd24,
            CASE WHEN d.bad THEN CASE WHEN NOT d.open THEN coalesce(l.closed_on, d.effective) END
                WHEN a.until IS NOT NULL THEN a.until
                WHEN l.max_dpd > 0 THEN coalesce(l.closed_on, l.as_of_date) END AS bad_until,
            l.disbursed_on, l.due_on, l.closed_on, l.repayment_method AS method, l.terms_left,
            l.special_event AS event, l.hardship, d.open, false AS disputed,
            CASE WHEN n.state IS DISTINCT FROM 3 THEN l.name_mark = ANY (p_name_marks) END AS name,
            least(a.since, CASE WHEN d.bad THEN coalesce(l.overdue_since, l.as_of_date) END) AS bad_since,
            greatest(a.overdue, CASE WHEN d.bad THEN l.overdue_amount END) AS bad_amount
        FROM loans_at(p_subject, p_at) l JOIN members_at(p_at) m ON m.id = l.member_id
        CROSS JOIN LATERAL (
            SELECT coalesce(l.stale_as_of, greatest(
                    CASE WHEN l.ended_by IS NULL THEN m.as_of_date ELSE l.ended_on - 1 END, l.as_of_date)) AS effective,
                l.overdue_since IS NOT NULL OR l.class5 >= 3 OR l.status = 5 AS bad,
                l.ended_by IS NULL AND (l.status IN (1, 2, 3, 4) OR (l.status = 5 AND l.balance > 0)) AS open
        ) d
        LEFT JOIN LATERAL (
            SELECT max(x.dpd) FILTER (WHERE x.until >= p_today - interval '24 months') AS dpd24,
                min(x.since) AS since, max(x.until) AS until, max(x.overdue_amount) AS overdue
            FROM adverse_at(l.subject_id, l.member_id, l.loan_no, p_at) x
        ) a ON l.version > 1
        LEFT JOIN token_scheme n ON n.id = l.mark_scheme
        ORDER BY l.disbursed_on, l.member_id, l.loan_no
    ) t;

    SELECT string_agg(format('{"own":%s,"kind":%s,"d7":%s,"d15":%s,"d30":%s,"d90":%s,"d180":%s,"d365":%s}',
                t.own::text, to_json(t.kind), t.d7, t.d15, t.d30, t.d90, t.d180, t.d365), ',' ORDER BY t.own DESC, t.kind),
            coalesce(sum(t.members30) FILTER (WHERE NOT t.own), 0),
            format('{"enquiries":%s,"members":%s}', coalesce(sum(t.recent) FILTER (WHERE NOT t.own), 0),
                coalesce(sum(t.recent_members) FILTER (WHERE NOT t.own), 0))
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
            FROM enquiry e JOIN members_at(p_at) m ON m.id = e.member_id
            WHERE e.subject_id = p_subject AND e.id >= since AND e.id < until AND e.asked_at < before
              AND e.purpose IN ('application', 'guarantee')
            GROUP BY e.member_id = p_member, m.kind
        ) t;

    IF p_by_mobile THEN by_mobile := mobile_counts_at(p_subject, p_mobile, p_member, p_at, p_now, before); END IF;
    -- To the byte what enquiry_gather writes, which takes no line for a row.
    RETURN '{"today":' || to_json(p_today) || ',"now":"' || moment_text(p_now)
        || '","loans":' || replace(coalesce(loans::text, '[]'), E', \n ', ',')
        || ',"reservations":' || replace(coalesce(pledges::text, '[]'), E', \n ', ',')
        || ',"enquiries":[' || coalesce(asked, '') || '],"enquirers30":' || enquirers
        || ',"others_recent":' || others_recent || ',"mobile":' || coalesce(by_mobile, 'null')
        || ',"disputes":0}';
END $$;

-- coverage_since, as it stood.
CREATE OR REPLACE FUNCTION coverage_at(
    p_since date, p_at timestamptz, OUT members integer, OUT reported integer, OUT ever integer, OUT oldest date)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT count(*)::integer, (count(*) FILTER (WHERE m.as_of_date >= p_since))::integer, count(m.as_of_date)::integer,
        min(m.as_of_date)
    FROM members_at(p_at) m WHERE m.status = 'active';
END;

-- From when on everything is known: since the oldest month of history that is held, where anything was published before
-- it, and since the registry keeps what is needed. Null: from the beginning. The log remembers what was published first.
CREATE OR REPLACE FUNCTION known_since() RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
DECLARE held timestamptz; began timestamptz;
BEGIN
    SELECT least(
            (SELECT min(s.published_at) FROM submission s),
            (SELECT min(o.recorded_at) FROM outbox o WHERE o.topic = 'submission.published'),
            (SELECT l.recorded_at FROM audit_leaf l WHERE l.topic = 'submission.published' ORDER BY l.number LIMIT 1))
        INTO began;
    SELECT coalesce(min(to_timestamp(substring(c.relname FROM '\d{4}m\d\d$') || ' UTC', 'YYYY"m"MM TZ')), 'infinity')
        INTO held FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'loan_history'::regclass;
    RETURN greatest(CASE WHEN began < held THEN held END, (SELECT max(k.since) FROM kept_since k));
END $$;
