-- An enquiry by ticket: as enquiry_record, and the ticket's nonce is spent in the same transaction.

-- outcome: as of enquiry_record; 5 the ticket was spent on another enquiry.
CREATE OR REPLACE FUNCTION enquiry_redeem(
    p_nonce uuid, p_expires bigint,
    p_id uuid, p_member integer, p_subject uuid, p_mobile uuid, p_key text, p_digest bytea, p_purpose text,
    p_product smallint, p_amount bigint, p_consent_no text, p_consent_until date, p_staff text, p_reference text,
    p_policy text, p_tier text, p_facts bytea, p_answer bytea, p_asked_at timestamptz, p_outbox uuid, p_body text,
    OUT outcome integer, OUT enquiry_id uuid, OUT answer bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended(p_key, p_member)) THEN outcome := 4; RETURN; END IF;
    -- The same request once more is answered as before, whatever became of its ticket.
    SELECT r.outcome, r.enquiry_id, r.answer INTO outcome, enquiry_id, answer
        FROM enquiry_recorded(p_member, p_key, p_digest) r;
    IF outcome IS NOT NULL THEN RETURN; END IF;
    INSERT INTO ticket_spent (subject_id, nonce, expires_at)
        VALUES (p_subject, p_nonce, to_timestamp(p_expires)) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN outcome := 5; RETURN; END IF;
    SELECT r.outcome, r.enquiry_id, r.answer INTO outcome, enquiry_id, answer
        FROM enquiry_record(p_id, p_member, p_subject, p_mobile, p_key, p_digest, p_purpose, p_product, p_amount,
            p_consent_no, p_consent_until, p_staff, p_reference, p_policy, p_tier, p_facts, p_answer, p_asked_at,
            p_outbox, p_body) r;
END $$;
