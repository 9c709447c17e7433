-- The second round trip: key, enquiry and outbox row in one durable transaction; and what was recorded, read back.

-- outcome: 1 recorded now (the answer is the caller's own), 2 recorded before with the same body, 3 the key stands for
-- another body, 4 under way.
CREATE OR REPLACE FUNCTION enquiry_record(
    p_id uuid, p_member integer, p_subject uuid, p_mobile uuid, p_key text, p_digest bytea, p_purpose text,
    p_product smallint, p_amount bigint, p_consent_no text, p_consent_until date, p_staff text, p_reference text,
    p_policy text, p_tier text, p_facts bytea, p_answer bytea, p_asked_at timestamptz, p_outbox uuid, p_body text,
    OUT outcome integer, OUT enquiry_id uuid, OUT answer bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended(p_key, p_member)) THEN outcome := 4; RETURN; END IF;
    INSERT INTO enquiry_key (member_id, key, digest, enquiry_id, subject_id, reservable)
        VALUES (p_member, p_key, p_digest, p_id, p_subject, p_purpose = 'application') ON CONFLICT (member_id, key) DO NOTHING;
    IF NOT FOUND THEN
        SELECT r.outcome, r.enquiry_id, r.answer INTO outcome, enquiry_id, answer
            FROM enquiry_recorded(p_member, p_key, p_digest) r;
        RETURN;
    END IF;
    INSERT INTO enquiry (subject_id, id, member_id, mobile_id, asked_at, purpose, product, amount, consent_no,
            consent_until, staff, reference, policy, tier, facts, answer)
        VALUES (p_subject, p_id, p_member, p_mobile, p_asked_at, p_purpose, p_product, p_amount, p_consent_no,
            p_consent_until, p_staff, p_reference, p_policy, p_tier, p_facts, p_answer);
    INSERT INTO outbox (id, topic, body, recorded_at)
        VALUES (p_outbox, 'enquiry.answered', p_body::jsonb, p_asked_at);
    outcome := 1;
    enquiry_id := p_id;
END $$;

-- outcome: null when the key is new, else 2 or 3 as above (the answer with 2 only).
CREATE OR REPLACE FUNCTION enquiry_recorded(
    p_member integer, p_key text, p_digest bytea, OUT outcome integer, OUT enquiry_id uuid, OUT answer bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE held enquiry_key%ROWTYPE;
BEGIN
    SELECT * INTO held FROM enquiry_key k WHERE k.member_id = p_member AND k.key = p_key;
    IF NOT FOUND THEN RETURN; END IF;
    IF held.digest <> p_digest THEN outcome := 3; RETURN; END IF;
    outcome := 2;
    enquiry_id := held.enquiry_id;
    SELECT e.answer INTO STRICT answer FROM enquiry e WHERE e.subject_id = held.subject_id AND e.id = held.enquiry_id;
END $$;

-- A member's own enquiry; no row when it has none of that id.
CREATE OR REPLACE FUNCTION enquiry_fetch(p_member integer, p_id uuid) RETURNS SETOF enquiry
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
BEGIN ATOMIC
    SELECT e.* FROM enquiry_key k JOIN enquiry e ON e.subject_id = k.subject_id AND e.id = k.enquiry_id
    WHERE k.member_id = p_member AND k.enquiry_id = p_id;
END;

-- Active members, those that have reported a day since p_since, and the oldest of the newest days.
CREATE OR REPLACE FUNCTION coverage_since(p_since date, OUT members integer, OUT reported integer, OUT oldest date)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
BEGIN ATOMIC
    SELECT count(*)::integer, (count(*) FILTER (WHERE m.as_of_date >= p_since))::integer, min(m.as_of_date)
    FROM member m WHERE m.status = 'active';
END;
