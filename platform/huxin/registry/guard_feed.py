"""What the guard takes of enquiries as they leave the outbox: parts of the sequencer's one statement.

Enquiries are summed by member, day and purpose, each once, for they leave the outbox once. One that met a honeytoken
raises an alarm there and then, and is in no sum.
"""

from __future__ import annotations

from typing import Final

# Of the enquiries among `taken`. A row by itself looks honeytokens up: joined, all of them might be read each time.
PARTS: Final = """
    fed AS (
        SELECT (feed ->> 'member_id')::integer AS member_id, (feed ->> 'asked_at')::timestamptz AS asked_at,
            feed ->> 'purpose' AS purpose, feed ->> 'enquiry_id' AS enquiry_id,
            (feed ->> 'subject_id')::uuid AS subject_id, (feed ->> 'known')::boolean AS known,
            (SELECT true FROM honeytoken h WHERE h.subject_id = (feed ->> 'subject_id')::uuid) AS nobody
        FROM taken
        WHERE feed ->> 'member_id' IS NOT NULL AND feed ->> 'purpose' IS NOT NULL AND feed ->> 'asked_at' IS NOT NULL),
    tallied AS (
        INSERT INTO enquiry_tally AS t (member_id, day, purpose, asked, known)
        SELECT member_id, (asked_at AT TIME ZONE 'Asia/Shanghai')::date, purpose, count(*),
            count(*) FILTER (WHERE known)
        FROM fed WHERE nobody IS NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        ON CONFLICT (member_id, day, purpose) DO UPDATE
            SET asked = t.asked + excluded.asked, known = t.known + excluded.known),
    rung AS (
        INSERT INTO alarm AS a
            (member_id, id, kind, about, window_from, window_until, figures, first_seen, last_seen)
        SELECT member_id, gen_random_uuid(), 'honeytoken', '', min(asked_at AT TIME ZONE 'Asia/Shanghai')::date,
            max(asked_at AT TIME ZONE 'Asia/Shanghai')::date,
            jsonb_build_object('enquiries', count(*), 'last_enquiry', max(enquiry_id)), min(asked_at), max(asked_at)
        FROM fed WHERE nobody GROUP BY member_id ORDER BY member_id
        ON CONFLICT (member_id, kind, about) WHERE state <> 'closed' DO UPDATE SET
            window_until = greatest(a.window_until, excluded.window_until),
            last_seen = greatest(a.last_seen, excluded.last_seen),
            figures = jsonb_build_object(
                'enquiries', (a.figures ->> 'enquiries')::bigint + (excluded.figures ->> 'enquiries')::bigint,
                'last_enquiry', excluded.figures ->> 'last_enquiry'))
"""
