-- Reservations: a promise to lend is held against the caps of a subject by one at a time.

-- The place in which a subject is locked, one of 1,024: so a merge of any number of subjects needs no more locks than
-- that. Who shares a place waits for another's commit now and then, and counts right all the same.
CREATE OR REPLACE FUNCTION subject_place(p_subject uuid) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN uuid_hash(p_subject) & 1023;

-- Holds the subject to the end of the transaction; whether somebody else had it, and was waited for. A lock of the
-- server's memory: nothing is written for it, and it is left after what was written can be seen. "subj"
CREATE OR REPLACE FUNCTION subject_lock(p_place integer) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF pg_try_advisory_xact_lock(1937072746, p_place) THEN RETURN false; END IF;
    PERFORM pg_advisory_xact_lock(1937072746, p_place);
    RETURN true;
END $$;

-- What is owed of open loans: by whom, and how much of it counts towards the cap on amounts, which is a product's.
CREATE OR REPLACE FUNCTION loans_owed(p_subject uuid, p_product smallint)
RETURNS TABLE (member_id integer, amount bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT l.member_id, CASE WHEN p_product IS NULL OR l.product = p_product THEN l.balance END
    FROM loan l
    WHERE l.subject_id = p_subject AND l.role < 3 AND l.void_by IS NULL AND l.ended_by IS NULL
      AND (l.status IN (1, 2, 3, 4) OR (l.status = 5 AND l.balance > 0));
END;

-- Whether a member saw exact amounts when it asked, and still would: of a tier that shows them, and reporting.
CREATE OR REPLACE FUNCTION sees_amounts(
    p_subject uuid, p_enquiry uuid, p_member integer, p_exact text, p_reported_since date) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT ARRAY[e.tier, m.tier] <@ string_to_array(p_exact, ',')
            AND coalesce(m.as_of_date, (m.created_at AT TIME ZONE 'Asia/Shanghai')::date) >= p_reported_since
        FROM enquiry e JOIN member m ON m.id = p_member WHERE e.subject_id = p_subject AND e.id = p_enquiry);
END $$;

-- What is missing of others' amounts to the next multiple of a step.
CREATE OR REPLACE FUNCTION rounding_of_others(
    p_subject uuid, p_product smallint, p_member integer, p_now timestamptz, p_step bigint) RETURNS numeric
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT ceil(s.amount / p_step) * p_step - s.amount FROM (
        SELECT coalesce(sum(x.amount), 0) AS amount FROM (
            SELECT l.member_id, l.amount FROM loans_owed(p_subject, p_product) l
            UNION ALL SELECT r.member_id, r.amount FROM reservations_live(p_subject, p_now) r
        ) x WHERE x.member_id <> p_member
    ) s;
END;

-- What the key says of a request that is not granted now: granted before (2), however old its enquiry is and whatever
-- counts by now, or another body's (3); p_else where nothing stands under it. It is asked last, for nearly all are new.
CREATE OR REPLACE FUNCTION reservation_held(
    p_member integer, p_key text, p_digest bytea, p_else integer, OUT outcome integer, OUT reservation_id uuid)
LANGUAGE plpgsql AS $$
DECLARE held reservation_key%ROWTYPE;
BEGIN
    SELECT * INTO held FROM reservation_key k WHERE k.member_id = p_member AND k.key = p_key;
    outcome := CASE WHEN held.digest IS NULL THEN p_else WHEN held.digest = p_digest THEN 2 ELSE 3 END;
    reservation_id := CASE WHEN outcome = 2 THEN held.reservation_id END;
END $$;

-- Before several are reserved in one transaction: the turns of all their subjects, in one order, so that two lots never
-- wait for each other. Not for long: who has one of them for longer is waited for by those alone who want that one.
-- `unflushed` as below, and for all of them; the rest is null.
CREATE OR REPLACE FUNCTION reservation_turns(
    p_members integer[], p_enquiries uuid[],
    OUT outcome integer, OUT reservation_id uuid, OUT lenders integer, OUT open_loans integer, OUT unflushed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET lock_timeout = '100ms' AS $$
DECLARE place integer; waited boolean;
BEGIN
    unflushed := false;
    FOR place IN
        SELECT DISTINCT subject_place(k.subject_id) FROM unnest(p_members, p_enquiries) AS e(member_id, enquiry_id)
        JOIN enquiry_key k ON k.member_id = e.member_id AND k.enquiry_id = e.enquiry_id ORDER BY 1
    LOOP
        waited := subject_lock(place);
        unflushed := unflushed OR waited;
    END LOOP;
    IF unflushed THEN PERFORM set_config('synchronous_commit', 'off', true); END IF;
END $$;

-- A request of a member about a subject was refused: the same once more is the same try. What is past is forgotten.
CREATE OR REPLACE FUNCTION reservation_refuse(
    p_subject uuid, p_member integer, p_digest bytea, p_now timestamptz, p_since timestamptz)
RETURNS void LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    DELETE FROM reservation_refused r WHERE r.subject_id = p_subject AND r.member_id = p_member AND r.refused_at <= p_since;
    INSERT INTO reservation_refused (subject_id, member_id, digest, refused_at)
        VALUES (p_subject, p_member, p_digest, p_now) ON CONFLICT DO NOTHING;
END $$;

-- outcome: 1 granted now, 2 granted before under this key, 3 the key stands for another body, 4 the enquiry was not for
-- an application, 5 no such enquiry of this member or too old, 6 too many lenders, 7 too many open loans, 8 too much
-- outstanding, 11 too many of this member's about the subject came to nothing: since p_asked_since p_in_vain of them were
-- refused by a cap, given back or ended without a loan. Who reserves and gives back, and does so again with another
-- amount, would learn what others are owed. Caps that are null do not bind.
CREATE OR REPLACE FUNCTION reservation_reserve(
    p_id uuid, p_member integer, p_key text, p_digest bytea, p_enquiry uuid, p_product smallint, p_amount bigint,
    p_now timestamptz, p_expires_at timestamptz, p_asked_since timestamptz,
    p_max_lenders integer, p_max_open_loans integer, p_max_outstanding bigint, p_step bigint, p_exact text,
    p_reported_since date, p_in_vain integer, p_outbox uuid, p_body text, p_together boolean DEFAULT false,
    OUT outcome integer, OUT reservation_id uuid, OUT lenders integer, OUT open_loans integer, OUT unflushed boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    subject uuid; again uuid; reservable boolean; outstanding numeric; lending integer[]; converted boolean; in_vain integer;
BEGIN
    SELECT k.subject_id, k.reservable INTO subject, reservable FROM enquiry_key k
        WHERE k.member_id = p_member AND k.enquiry_id = p_enquiry AND k.enquiry_id >= id_floor(p_asked_since);
    IF reservable IS NOT TRUE THEN
        SELECT h.* INTO outcome, reservation_id
            FROM reservation_held(p_member, p_key, p_digest, CASE WHEN subject IS NULL THEN 5 ELSE 4 END) h;
        RETURN;
    END IF;
    -- Where others stand in line the lock should not last as long as the disk takes: the caller brings what was
    -- granted to disk before it tells it. What a crash takes then, nobody was told. Among several (`p_together`) the lock
    -- was taken beforehand, by reservation_turns.
    unflushed := false;
    LOOP
        unflushed := subject_lock(subject_place(subject)) OR unflushed;
        -- It may have been found out meanwhile that the subject is one with another.
        SELECT k.subject_id INTO STRICT again FROM enquiry_key k
            WHERE k.member_id = p_member AND k.enquiry_id = p_enquiry;
        EXIT WHEN again = subject;
        subject := again;
    END LOOP;
    IF unflushed THEN PERFORM set_config('synchronous_commit', 'off', true); END IF;

    -- A reservation is held against whatever is asked for. Nearly always this one look is enough: there are no more
    -- lenders than loans, and a converted reservation, whose loan may count already, is rare. The member's own that came
    -- to nothing are seen on the way.
    SELECT count(*) FILTER (WHERE x.counts) + 1, coalesce(sum(x.amount) FILTER (WHERE x.counts), 0) + p_amount,
            array_agg(x.member_id) FILTER (WHERE x.counts), bool_or(x.converted AND x.counts),
            count(*) FILTER (WHERE NOT x.counts) + (SELECT count(*) FROM reservation_refused f
                WHERE f.subject_id = subject AND f.member_id = p_member AND f.refused_at > p_asked_since)
        INTO open_loans, outstanding, lending, converted, in_vain
        FROM (
            SELECT l.member_id, l.amount, false AS converted, true AS counts FROM loans_owed(subject, p_product) l
            UNION ALL SELECT r.member_id, r.amount, r.state = 2, r.state <> 3 AND r.expires_at > p_now FROM reservation r
            WHERE r.subject_id = subject AND (r.state IN (1, 2) AND r.expires_at > p_now
                OR r.member_id = p_member AND (r.state = 3 AND r.changed_at > p_asked_since
                    OR r.state IN (1, 2) AND r.expires_at <= p_now AND r.expires_at > p_asked_since))
        ) x;
    IF converted THEN
        SELECT count(*) + 1, coalesce(sum(x.amount), 0) + p_amount, array_agg(x.member_id)
            INTO open_loans, outstanding, lending
            FROM (
                SELECT l.member_id, l.amount FROM loans_owed(subject, p_product) l
                UNION ALL SELECT r.member_id, r.amount FROM reservations_live(subject, p_now) r
            ) x;
    END IF;
    lenders := open_loans;
    -- A step matters only this close to the cap; further off nobody's tier is looked up.
    IF outstanding <= p_max_outstanding AND outstanding + p_step > p_max_outstanding
            AND sees_amounts(subject, p_enquiry, p_member, p_exact, p_reported_since) IS NOT TRUE THEN
        outstanding := outstanding + rounding_of_others(subject, p_product, p_member, p_now, p_step);
    END IF;
    IF open_loans > p_max_lenders OR open_loans > p_max_open_loans OR outstanding > p_max_outstanding THEN
        SELECT count(DISTINCT each) + 1 INTO lenders FROM unnest(lending) AS each WHERE each <> p_member;
    END IF;
    outcome := CASE WHEN in_vain >= p_in_vain THEN 11 WHEN lenders > p_max_lenders THEN 6
        WHEN open_loans > p_max_open_loans THEN 7 WHEN outstanding > p_max_outstanding THEN 8 ELSE 1 END;
    IF outcome <> 1 THEN
        SELECT h.* INTO outcome, reservation_id FROM reservation_held(p_member, p_key, p_digest, outcome) h;
        IF outcome IN (6, 7, 8) THEN
            PERFORM reservation_refuse(subject, p_member, p_digest, p_now, p_asked_since);
        END IF;
        -- Neither a lock nor how often was refused is worth waiting for the disk.
        IF NOT p_together THEN PERFORM set_config('synchronous_commit', 'off', true); END IF;
        RETURN;
    END IF;

    -- Waits where the same key is being used at this moment.
    INSERT INTO reservation_key (member_id, key, digest, reservation_id, subject_id)
        VALUES (p_member, p_key, p_digest, p_id, subject) ON CONFLICT (member_id, key) DO NOTHING;
    IF NOT FOUND THEN
        SELECT h.* INTO STRICT outcome, reservation_id FROM reservation_held(p_member, p_key, p_digest, NULL) h;
        RETURN;
    END IF;
    INSERT INTO reservation (subject_id, id, member_id, enquiry_id, state, product, amount, granted_at, expires_at,
            changed_at)
        VALUES (subject, p_id, p_member, p_enquiry, 1, p_product, p_amount, p_now, p_expires_at, p_now);
    INSERT INTO outbox (id, topic, body, recorded_at)
        VALUES (p_outbox, 'reservation.granted', p_body::jsonb, p_now);
    reservation_id := p_id;
END $$;

-- A member's own reservation; no row when it has none of that id.
CREATE OR REPLACE FUNCTION reservation_fetch(p_member integer, p_id uuid) RETURNS SETOF reservation
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
BEGIN ATOMIC
    SELECT r.* FROM reservation_key k JOIN reservation r ON r.subject_id = k.subject_id AND r.id = k.reservation_id
    WHERE k.member_id = p_member AND k.reservation_id = p_id;
END;

-- What the log holds, or will hold, of an act of a reservation: null where there is no such act, or it was erased. Looked
-- for in the log twice, for it may leave the outbox in between.
CREATE OR REPLACE FUNCTION reservation_leaf(
    p_member integer, p_id uuid, p_topic text, p_at timestamptz, OUT salt bytea, OUT record text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    FOR turn IN 1 .. 2 LOOP
        SELECT l.salt, l.record INTO salt, record FROM audit_leaf l
            WHERE l.record_id = p_id AND l.member_id = p_member AND l.topic = p_topic AND l.recorded_at = p_at;
        IF FOUND THEN RETURN; END IF;
        SELECT decode(o.body #>> '{leaf,salt}', 'hex'), o.body #>> '{leaf,record}' INTO salt, record FROM outbox o
            WHERE o.topic = p_topic AND o.recorded_at = p_at AND o.body ->> 'record_id' = p_id::text
                AND o.body ->> 'member' = p_member::text;
        IF FOUND THEN RETURN; END IF;
    END LOOP;
END $$;

-- Whether an act of a member's reservation or submission (p_kind) is done and not numbered yet: any, or one of the topic.
CREATE OR REPLACE FUNCTION act_waits(p_member integer, p_kind text, p_id uuid, p_topic text, OUT waits boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    waits := EXISTS (
        SELECT FROM outbox o WHERE o.topic LIKE p_kind || '.%' AND o.topic = coalesce(p_topic, o.topic)
            AND coalesce(o.body ->> 'record_id', o.body ->> p_kind) = p_id::text
            AND o.body ->> 'member' = p_member::text);
END $$;

-- Of which tier a member is now, and when it last reported or else joined.
CREATE OR REPLACE FUNCTION member_tier(p_member integer, OUT tier text, OUT reported_on date)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    SELECT m.tier, coalesce(m.as_of_date, (m.created_at AT TIME ZONE 'Asia/Shanghai')::date)
        INTO tier, reported_on FROM member m WHERE m.id = p_member;
END $$;

-- To released (3) or converted (2) from granted, or from converted while it waits for its loan: a wrong number is put
-- right, and what was not lent after all is given back. outcome: 1 done now, 2 stood so before, 9 no such reservation,
-- 10 in another state (`state`: 0 says expired, 4 also where its loan stands and the night has not ended it yet: who
-- could give it another number then would have the promise back after others had counted without it), 11 named before
-- under these numbers, which were put right since, 12 changed since p_seen_at, when the caller looked,
-- 13 another of the member's about the subject stands under one of the numbers: one loan would end both.
CREATE OR REPLACE FUNCTION reservation_change(
    p_member integer, p_id uuid, p_to integer, p_loan_no text, p_contract_no text, p_now timestamptz,
    p_expires_at timestamptz, p_seen_at timestamptz, p_outbox uuid, p_body text, OUT outcome integer, OUT state integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE subject uuid; again uuid; held reservation%ROWTYPE;
BEGIN
    SELECT k.subject_id INTO subject FROM reservation_key k WHERE k.member_id = p_member AND k.reservation_id = p_id;
    IF NOT FOUND THEN outcome := 9; RETURN; END IF;
    -- A conversion holds longer than the promise did: not while somebody counts.
    LOOP
        PERFORM subject_lock(subject_place(subject));
        SELECT k.subject_id INTO STRICT again FROM reservation_key k
            WHERE k.member_id = p_member AND k.reservation_id = p_id;
        EXIT WHEN again = subject;
        subject := again;
    END LOOP;
    SELECT * INTO STRICT held FROM reservation r WHERE r.subject_id = subject AND r.id = p_id FOR UPDATE;
    state := CASE WHEN held.state = 1 AND held.expires_at <= p_now THEN 0
        WHEN held.state = 2 AND p_to = 2 AND held.loan_no IS NOT DISTINCT FROM p_loan_no
            AND held.contract_no IS NOT DISTINCT FROM p_contract_no THEN 2
        WHEN held.state = 2 AND EXISTS (
            SELECT FROM loan l WHERE l.subject_id = subject AND l.member_id = p_member AND l.void_by IS NULL
                AND (l.loan_no = held.loan_no OR l.contract_no = held.contract_no)
                AND l.disbursed_on >= (held.granted_at AT TIME ZONE 'Asia/Shanghai')::date) THEN 4
        ELSE held.state END;
    IF state = p_to AND held.loan_no IS NOT DISTINCT FROM p_loan_no
            AND held.contract_no IS NOT DISTINCT FROM p_contract_no THEN
        outcome := 2;
    ELSIF state NOT IN (1, 2) OR held.expires_at <= p_now THEN
        outcome := 10;
    ELSIF held.changed_at IS DISTINCT FROM p_seen_at THEN
        outcome := 12;
    ELSIF p_to = 2 AND EXISTS (
            SELECT FROM reservation_past p WHERE p.subject_id = subject AND p.id = p_id AND p.state = 2
                AND p.loan_no IS NOT DISTINCT FROM p_loan_no AND p.contract_no IS NOT DISTINCT FROM p_contract_no) THEN
        outcome := 11;
    ELSIF p_to = 2 AND EXISTS (
            SELECT FROM reservation r WHERE r.subject_id = subject AND r.member_id = p_member AND r.id <> p_id
                AND r.state IN (2, 4) AND (r.loan_no = p_loan_no OR r.contract_no = p_contract_no)) THEN
        outcome := 13;
    ELSE
        UPDATE reservation r SET state = p_to, loan_no = p_loan_no, contract_no = p_contract_no, changed_at = p_now,
                expires_at = coalesce(p_expires_at, r.expires_at)
            WHERE r.subject_id = subject AND r.id = p_id;
        INSERT INTO outbox (id, topic, body, recorded_at)
            VALUES (p_outbox, CASE p_to WHEN 2 THEN 'reservation.converted' ELSE 'reservation.released' END,
                p_body::jsonb, p_now);
        outcome := 1;
        state := p_to;
    END IF;
END $$;
