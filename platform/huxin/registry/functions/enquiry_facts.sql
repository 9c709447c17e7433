-- What the registry knows of a subject, told as JSON (decision.facts), for one question and for several that are answered
-- together. Both put it in place of its call, so that it is planned within their statements; the several begin it once.

-- One statement tells nearly everything: each one more costs ten microseconds to start, and so does each sort and each
-- group of few rows; every expression is made ready first. So counts are written as letters: an enquiry is the number
-- of windows it lies in, and `r` where it is recent; to these a member adds `M` for the month, `R` for recent.
-- Other members stand as @id@ until they are numbered by appearance (facts_numbered, where `several` or `pledged`); the
-- first, often the only one, is at once.
-- Whoever is asked about with a mobile carries it, whether or not the log's feed or a night has said so: the third who
-- comes with one number has to be told by the first question. So the others are counted, and one more. Who is not known
-- (no subject) is none of those that stand there.
CREATE OR REPLACE FUNCTION enquiry_facts(
    p_subject uuid, p_member integer, p_mobile uuid, p_by_mobile boolean, p_name_marks uuid[], p_now timestamptz,
    p_today date, p_stacking_days integer, p_since uuid, p_until uuid)
RETURNS TABLE (told text, others integer[], several boolean, pledged boolean)
LANGUAGE sql STABLE AS $$
    SELECT concat('{"today":"', p_today, '","now":"', moment_text(p_now), '","loans":[', l.told,
                '],"reservations":[],"enquiries":[', e.told,
                '],"enquirers30":', length(translate(e.others, 'Rr123456', '')),
                ',"others_recent":{"enquiries":', length(translate(e.others, 'RM123456', '')),
                ',"members":', length(translate(e.others, 'rM123456', '')),
                '},"mobile":', CASE WHEN p_by_mobile THEN concat('{"subjects":',
                    (SELECT count(*) + 1 FROM mobile_subject s
                        WHERE s.mobile_id = p_mobile AND s.subject_id IS DISTINCT FROM p_subject),
                    ',"enquiries":[', e.by_mobile, ']}') ELSE 'null' END, ',"disputes":0}'),
            l.others, strpos(l.told, '@') > 0, EXISTS (
                SELECT FROM reservation r WHERE r.subject_id = p_subject AND r.state IN (1, 2) AND r.expires_at > p_now)
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
            WHERE l.subject_id = p_subject AND l.void_by IS NULL
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
                        WHERE e.subject_id = p_subject AND e.id >= p_since AND e.id < p_until
                          AND e.purpose IN ('application', 'guarantee') AND e.asked_at > p_now - interval '365 days'
                        UNION ALL
                        SELECT true, e.member_id, e.asked_at FROM mobile_enquiry e
                        WHERE e.mobile_id = p_mobile AND e.id >= p_since AND e.id < p_until
                          AND e.purpose IN ('application', 'guarantee') AND e.asked_at > p_now - interval '365 days'
                    ) q JOIN member m ON m.id = q.member_id
                    GROUP BY q.by_mobile, q.member_id = p_member, m.kind, q.member_id
                    ORDER BY q.by_mobile, q.member_id = p_member DESC, m.kind
                ) o GROUP BY o.by_mobile, o.own, o.kind ORDER BY o.by_mobile, o.own DESC, o.kind
            ) k
            OFFSET 0  -- else each of the three above would write the counts for itself
        ) g
    ) e;
$$;

-- The same with every other member numbered by appearance, and the promises that hold now where there may be any.
CREATE OR REPLACE FUNCTION facts_numbered(
    p_told text, p_others integer[], p_pledged boolean, p_subject uuid, p_member integer, p_now timestamptz)
RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE told text := p_told; others integer[] := p_others; pledges text; pledging integer[]; other integer; place integer := 1;
BEGIN
    IF p_pledged THEN
        SELECT string_agg(concat('{"m":', CASE WHEN p.member_id = p_member THEN '0' ELSE '@' || p.member_id || '@' END,
                    ',"amount":', p.amount, ',"granted_at":"', moment_text(p.granted_at),
                    '","expires_at":"', moment_text(p.expires_at), '"}'), ',' ORDER BY p.place),
                array_agg(p.member_id ORDER BY p.place) FILTER (WHERE p.member_id <> p_member)
            INTO pledges, pledging FROM reservations_live(p_subject, p_now) p;
        told := replace(told, '"reservations":[]', concat('"reservations":[', pledges, ']'));
        others := coalesce(others, '{}') || pledging;
    END IF;
    FOREACH other IN ARRAY others LOOP
        CONTINUE WHEN place > 1 AND strpos(told, '@' || other || '@') = 0;
        told := replace(told, '@' || other || '@', place::text);
        place := place + 1;
    END LOOP;
    RETURN told;
END $$;
