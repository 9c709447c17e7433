-- Where the two ways meet. Who is reported or asked about by an identifier has tokens; who comes as an element has aliases
-- of suite OPRF; both stand in `alias`. Whoever sees an identifier knows both keys of a person, and brings them together
-- here before anything else is done: afterwards either way leads to one subject.

-- The subject whom some keys name, the first of them that is known deciding.
CREATE OR REPLACE FUNCTION alias_of(p_tokens uuid[], p_schemes smallint[]) RETURNS uuid
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT a.subject_id FROM unnest(p_tokens, p_schemes) WITH ORDINALITY AS k(token, scheme, place)
    JOIN alias a ON a.token = k.token AND a.scheme = k.scheme ORDER BY k.place LIMIT 1;
END;

-- Leads keys to a subject where they lead nowhere, under those of their schemes that are open; whom they lead to then.
-- HX001 when the first of the schemes is closed, or others are in force beside it. Who is claimed here has met.
CREATE OR REPLACE FUNCTION alias_claim(p_tokens uuid[], p_schemes smallint[], p_subject uuid, p_now timestamptz)
RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE writable smallint[] := schemes_claimed(p_schemes);
BEGIN
    IF writable IS NULL THEN RAISE EXCEPTION 'keys' USING ERRCODE = 'HX001'; END IF;
    INSERT INTO alias (token, scheme, subject_id, claimed_at, met)
        SELECT k.token, k.scheme, p_subject, p_now, true FROM unnest(p_tokens, p_schemes) AS k(token, scheme)
        WHERE k.scheme = ANY (writable) ORDER BY k.scheme, k.token ON CONFLICT DO NOTHING;
    RETURN alias_of(p_tokens, p_schemes);
END $$;

-- Brings a person's tokens and its element's aliases together. Either list may be empty: a member that comes the blind way
-- brings no tokens. p_sealed are the elements to be kept beside the aliases. With p_claim a person that nobody knows
-- becomes known, the element's alias being the one that is claimed first, for both ways come by it. Where the two were
-- known as different subjects, `split` says so: all keys lead to the one that was claimed first from here on, and what is
-- on record of the other waits for subjects_rekey.
CREATE OR REPLACE FUNCTION blind_meet(
    p_tokens uuid[], p_schemes smallint[], p_elements uuid[], p_element_schemes smallint[], p_sealed bytea[],
    p_claim boolean, p_now timestamptz, OUT subject uuid, OUT split boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE direct uuid; blind uuid; other uuid;
BEGIN
    split := false;
    direct := alias_of(p_tokens, p_schemes);
    blind := alias_of(p_elements, p_element_schemes);
    subject := coalesce(direct, blind);
    IF subject IS NULL AND NOT p_claim THEN RETURN; END IF;
    -- Also of those who are known by an earlier key only: under the present one nobody else makes them known.
    IF blind IS NULL OR alias_of(p_elements[1:1], p_element_schemes[1:1]) IS NULL THEN
        blind := alias_claim(
            p_elements, p_element_schemes, coalesce(blind, direct, gen_random_uuid()), p_now);
        -- While their schemes are held open, or one would be left behind by an exchange of keys.
        INSERT INTO alias_element (token, scheme, sealed)
            SELECT k.token, k.scheme, k.sealed
            FROM unnest(p_elements, p_element_schemes, p_sealed) AS k(token, scheme, sealed)
            JOIN alias a ON a.token = k.token AND a.scheme = k.scheme
            WHERE k.scheme = ANY (schemes_open(p_element_schemes))
            ORDER BY k.scheme, k.token ON CONFLICT DO NOTHING;
    END IF;
    IF direct IS NULL AND p_tokens <> '{}' THEN
        direct := alias_claim(p_tokens, p_schemes, blind, p_now);
    END IF;
    subject := coalesce(direct, blind);
    IF direct <> blind THEN
        SELECT a.subject_id INTO STRICT subject
            FROM unnest(p_tokens || p_elements, p_schemes || p_element_schemes) AS k(token, scheme)
            JOIN alias a ON a.token = k.token AND a.scheme = k.scheme
            ORDER BY a.claimed_at, a.subject_id LIMIT 1;
        other := CASE WHEN subject = direct THEN blind ELSE direct END;
        INSERT INTO subject_merge AS m (gone, kept, found_at) VALUES (other, subject, p_now)
            ON CONFLICT (gone) DO UPDATE SET kept = excluded.kept, done_at = NULL;
        UPDATE subject_merge m SET kept = subject, done_at = NULL WHERE m.kept = other;
        UPDATE alias a SET subject_id = subject
            FROM unnest(p_tokens || p_elements, p_schemes || p_element_schemes) AS k(token, scheme)
            WHERE a.token = k.token AND a.scheme = k.scheme AND a.subject_id = other;
        split := true;
    END IF;
    UPDATE alias a SET met = true FROM unnest(p_tokens, p_schemes) AS k(token, scheme)
        WHERE a.token = k.token AND a.scheme = k.scheme AND a.met IS NULL;
END $$;

-- Gives what is on record of merged subjects to those that they were found to be; how many merges, loans, enquiries and
-- reservations that were. A load or an enquiry that was under way may still have written under the old number: so merges
-- of the last days are gone through again. The act is a leaf of the log. Not for the app.
CREATE OR REPLACE FUNCTION subjects_rekey(
    p_now timestamptz, OUT merges integer, OUT loans integer, OUT enquiries integer, OUT reservations integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE columns text;
BEGIN
    PERFORM pg_advisory_xact_lock(1835364967);  -- "merg": one at a time
    CREATE TEMPORARY TABLE IF NOT EXISTS merging (gone uuid PRIMARY KEY, kept uuid NOT NULL, fresh boolean NOT NULL);
    CREATE TEMPORARY TABLE IF NOT EXISTS doubled (older uuid, newer uuid, of_member integer, of_loan text,
        versions integer, newest timestamptz, newest_by uuid);
    TRUNCATE merging, doubled;
    INSERT INTO merging SELECT m.gone, m.kept, m.done_at IS NULL FROM subject_merge m
        WHERE m.done_at IS NULL OR m.done_at > p_now - interval '2 days';
    SELECT count(*) FILTER (WHERE m.fresh), 0, 0, 0 INTO merges, loans, enquiries, reservations FROM merging m;
    IF NOT EXISTS (SELECT FROM merging) THEN RETURN; END IF;
    -- Whoever reserves for one of them waits, and whom we wait for counts.
    PERFORM subject_lock(p.place) FROM (
        SELECT subject_place(m.gone) AS place FROM merging m UNION SELECT subject_place(m.kept) FROM merging m
        ORDER BY place) p;

    -- A loan that a member reported both ways: the newer word stands, the other becomes its past.
    INSERT INTO doubled
        SELECT CASE WHEN w.wins THEN m.kept ELSE m.gone END, CASE WHEN w.wins THEN m.gone ELSE m.kept END,
            g.member_id, g.loan_no, CASE WHEN w.wins THEN k.version ELSE g.version END,
            greatest(a.recorded_at, b.recorded_at), CASE WHEN w.wins THEN a.submission_id ELSE b.submission_id END
        FROM merging m
        JOIN loan_key g ON g.subject_id = m.gone
        JOIN loan_key k ON k.member_id = g.member_id AND k.loan_no = g.loan_no AND k.subject_id = m.kept
        LEFT JOIN loan a ON a.subject_id = m.gone AND a.member_id = g.member_id AND a.loan_no = g.loan_no
        LEFT JOIN loan b ON b.subject_id = m.kept AND b.member_id = g.member_id AND b.loan_no = g.loan_no
        CROSS JOIN LATERAL (SELECT (g.ended_by IS NULL, coalesce(a.recorded_at, '-infinity'))
            > (k.ended_by IS NULL, coalesce(b.recorded_at, '-infinity')) AS wins) w;
    SELECT string_agg(quote_ident(c.attname), ', ') INTO columns FROM pg_attribute c
        WHERE c.attrelid = 'loan'::regclass AND c.attnum > 0 AND NOT c.attisdropped;
    EXECUTE format('INSERT INTO loan_history (%1$s, superseded_at, superseded_by) SELECT %1$s, d.newest, d.newest_by
        FROM loan l JOIN doubled d ON l.subject_id = d.older AND l.member_id = d.of_member AND l.loan_no = d.of_loan
        WHERE d.newest_by IS NOT NULL', columns);
    DELETE FROM loan l USING doubled d
        WHERE l.subject_id = d.older AND l.member_id = d.of_member AND l.loan_no = d.of_loan AND d.newest_by IS NOT NULL;
    DELETE FROM loan_key k USING doubled d
        WHERE k.subject_id = d.older AND k.member_id = d.of_member AND k.loan_no = d.of_loan;
    UPDATE loan l SET version = l.version + d.versions FROM doubled d
        WHERE l.subject_id = d.newer AND l.member_id = d.of_member AND l.loan_no = d.of_loan;
    UPDATE loan_history l SET version = l.version + d.versions FROM doubled d
        WHERE l.subject_id = d.newer AND l.member_id = d.of_member AND l.loan_no = d.of_loan;
    UPDATE loan_adverse l SET version = l.version + d.versions FROM doubled d
        WHERE l.subject_id = d.newer AND l.member_id = d.of_member AND l.loan_no = d.of_loan;
    UPDATE loan_adverse_past l SET version = l.version + d.versions FROM doubled d
        WHERE l.subject_id = d.newer AND l.member_id = d.of_member AND l.loan_no = d.of_loan;
    UPDATE loan_stale_past l SET version = l.version + d.versions FROM doubled d
        WHERE l.subject_id = d.newer AND l.member_id = d.of_member AND l.loan_no = d.of_loan;
    UPDATE loan_key l SET version = l.version + d.versions FROM doubled d
        WHERE l.subject_id = d.newer AND l.member_id = d.of_member AND l.loan_no = d.of_loan;

    UPDATE loan t SET subject_id = m.kept FROM merging m WHERE t.subject_id = m.gone;
    GET DIAGNOSTICS loans = ROW_COUNT;
    UPDATE loan_history t SET subject_id = m.kept FROM merging m WHERE t.subject_id = m.gone;
    UPDATE loan_adverse t SET subject_id = m.kept FROM merging m WHERE t.subject_id = m.gone;
    UPDATE loan_adverse_past t SET subject_id = m.kept FROM merging m WHERE t.subject_id = m.gone;
    UPDATE loan_stale_past t SET subject_id = m.kept FROM merging m WHERE t.subject_id = m.gone;
    UPDATE loan_key t SET subject_id = m.kept FROM merging m WHERE t.subject_id = m.gone;
    UPDATE enquiry t SET subject_id = m.kept FROM merging m WHERE t.subject_id = m.gone;
    GET DIAGNOSTICS enquiries = ROW_COUNT;
    -- By the enquiries, which are found by subject: an index on the directory's subject would cost every enquiry. One that
    -- the directory hears of later under the old number is found so too, when the merge is gone through again.
    UPDATE enquiry_directory t SET subject_id = m.kept FROM merging m JOIN enquiry e ON e.subject_id = m.kept
        WHERE t.id = e.id AND t.subject_id = m.gone;
    UPDATE enquiry_key t SET subject_id = m.kept FROM merging m WHERE t.subject_id = m.gone;
    UPDATE reservation t SET subject_id = m.kept FROM merging m WHERE t.subject_id = m.gone;
    GET DIAGNOSTICS reservations = ROW_COUNT;
    UPDATE reservation_key t SET subject_id = m.kept FROM merging m WHERE t.subject_id = m.gone;
    -- Whose keys were two in the registry may be tried anew: seldom, and not by a member's doing.
    DELETE FROM reservation_refused t USING merging m WHERE t.subject_id = m.gone;
    UPDATE reservation_past t SET subject_id = m.kept FROM merging m WHERE t.subject_id = m.gone;
    UPDATE ticket_spent t SET subject_id = m.kept FROM merging m WHERE t.subject_id = m.gone;
    UPDATE mobile_enquiry t SET subject_id = m.kept FROM merging m WHERE t.subject_id = m.gone;
    INSERT INTO mobile_subject (mobile_id, subject_id, met_at)
        SELECT t.mobile_id, m.kept, t.met_at FROM mobile_subject t JOIN merging m ON t.subject_id = m.gone
        ON CONFLICT DO NOTHING;
    DELETE FROM mobile_subject t USING merging m WHERE t.subject_id = m.gone;
    INSERT INTO honeytoken (subject_id, made_at)
        SELECT m.kept, t.made_at FROM honeytoken t JOIN merging m ON t.subject_id = m.gone ON CONFLICT DO NOTHING;
    DELETE FROM honeytoken t USING merging m WHERE t.subject_id = m.gone;
    -- Aliases that whoever merged did not know of: of earlier keys, or made since.
    UPDATE alias t SET subject_id = m.kept FROM merging m WHERE t.subject_id = m.gone;

    UPDATE subject_merge s SET done_at = p_now FROM merging m WHERE s.gone = m.gone AND m.fresh;
    IF merges + loans + enquiries + reservations > 0 THEN
        INSERT INTO outbox (id, topic, body, recorded_at) VALUES (gen_random_uuid(), 'subject.merged',
            jsonb_build_object('merges', merges, 'loans', loans, 'enquiries', enquiries, 'reservations', reservations),
            p_now);
    END IF;
END $$;

-- Takes aliases of elements from under one scheme to under another, each with its element sealed anew; how many. Who is
-- known under the other already, as somebody else, is split (see blind_meet).
CREATE OR REPLACE FUNCTION blind_turn(
    p_tokens uuid[], p_scheme smallint, p_turned uuid[], p_turned_scheme smallint, p_sealed bytea[], p_now timestamptz,
    OUT moved integer, OUT split integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    old uuid[]; pair record;
BEGIN
    split := 0;
    SELECT array_agg(a.token) INTO old FROM alias a WHERE a.token = ANY (p_tokens) AND a.scheme = p_scheme;
    INSERT INTO alias (token, scheme, subject_id, claimed_at, met)
        SELECT k.turned, p_turned_scheme, a.subject_id, a.claimed_at, true
        FROM unnest(p_tokens, p_turned) AS k(token, turned) JOIN alias a ON a.token = k.token AND a.scheme = p_scheme
        ORDER BY k.turned ON CONFLICT DO NOTHING;
    INSERT INTO alias_element (token, scheme, sealed)
        SELECT k.turned, p_turned_scheme, k.sealed FROM unnest(p_tokens, p_turned, p_sealed) AS k(token, turned, sealed)
        WHERE k.token = ANY (old) ORDER BY k.turned ON CONFLICT DO NOTHING;
    FOR pair IN
        SELECT k.token, a.subject_id AS one, b.subject_id AS other FROM unnest(p_tokens, p_turned) AS k(token, turned)
        JOIN alias a ON a.token = k.token AND a.scheme = p_scheme
        JOIN alias b ON b.token = k.turned AND b.scheme = p_turned_scheme WHERE a.subject_id <> b.subject_id
    LOOP
        INSERT INTO subject_merge AS m (gone, kept, found_at) VALUES (pair.one, pair.other, p_now)
            ON CONFLICT (gone) DO UPDATE SET kept = excluded.kept, done_at = NULL;
        UPDATE subject_merge m SET kept = pair.other, done_at = NULL WHERE m.kept = pair.one;
        split := split + 1;
    END LOOP;
    DELETE FROM alias_element e WHERE e.token = ANY (old) AND e.scheme = p_scheme;
    DELETE FROM alias a WHERE a.token = ANY (old) AND a.scheme = p_scheme;
    GET DIAGNOSTICS moved = ROW_COUNT;
END $$;
