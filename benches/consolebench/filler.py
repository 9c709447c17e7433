"""A registry as a year's work leaves it: loans, reports, findings and enquiries of a thousand members, by SQL alone."""
# ruff: noqa: S608 - composed of whole numbers and names of ours

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import psycopg

from huxin.contract import load_contract
from huxin.oversight.closing import close_if_due
from huxin.registry.connect import libpq_uri
from huxin.registry.sequencing import drain
from huxin.settings import Settings

TODAY = date(2026, 5, 31)
_DAYS = 60
_SUBJECT = "('00000000-0000-4000-8000-' || lpad(to_hex((n::bigint * 7919) % {people}), 12, '0'))::uuid"
# Ids of the enquiries are UUIDv7 of their moment, spread over ninety days.
_ID = """(lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0')
    || '8000' || lpad(to_hex(n), 12, '0'))::uuid"""

# What the sequencer makes the audit log of: a leaf an enquiry, and one act of an operator to every two.
_RECORD = "jsonb_build_object('salt', md5(id::text), 'record', json_build_object('id', id, 'outcome', 'refer')::text)"
_LOG = (
    f"""INSERT INTO outbox (id, topic, body, recorded_at)
        SELECT id, 'enquiry.answered', jsonb_build_object('leaf', {_RECORD},
            'feed', jsonb_build_object('enquiry_id', id, 'member_id', member_id)), asked_at FROM enquiry""",
    f"""INSERT INTO outbox (id, topic, body, recorded_at)
        SELECT gen_random_uuid(), 'operator.looked', jsonb_build_object('leaf', {_RECORD}), asked_at
        FROM enquiry WHERE get_byte(uuid_send(id), 15) % 2 = 0""",
)


@dataclass(frozen=True)
class Sizes:
    """How much of each; `findings` are those of one submission, the worst."""

    loans: int
    members: int
    enquiries: int
    findings: int


def fill(settings: Settings, sizes: Sizes) -> None:
    """Fills an empty, migrated registry, numbers its audit log and closes the sector."""
    with psycopg.connect(libpq_uri(settings), autocommit=True) as database:
        database.execute("SET synchronous_commit = off")
        for statement in (*_statements(sizes), *_LOG):
            database.execute(statement)
        drain(settings)
        database.execute("VACUUM ANALYZE")
    close_if_due(settings)


def _statements(sizes: Sizes) -> list[str]:
    codes = [check.code for check in load_contract().checks if check.severity == "reject"]
    people = sizes.loans * 7 // 10 + 1  # so that a person comes to another lender the second time
    subject = _SUBJECT.format(people=people)
    member = f"1 + n % {sizes.members}"
    return [
        f"""INSERT INTO member (id, code, name, created_at, as_of_date)
            SELECT n, 'M' || lpad(n::text, 4, '0'), '第' || n || '小额贷款公司', '2025-01-01',
                CASE WHEN n % 50 = 0 THEN DATE '{TODAY}' - 3 ELSE DATE '{TODAY}' - 1 END
            FROM generate_series(1, {sizes.members}) n""",
        "SELECT setval(pg_get_serial_sequence('member', 'id'), max(id)) FROM member",
        f"""INSERT INTO loan (subject_id, member_id, loan_no, submission_id, recorded_at, as_of_date, version, digest,
                principal, balance, overdue_amount, disbursed_on, due_on, overdue_since, role, borrower_kind, product,
                guarantee, repayment_method, class5, status, currency)
            SELECT {subject}, {member}, 'L' || n, '00000000-0000-7000-8000-000000000000', now(), DATE '{TODAY}', 1, n,
                2000000, 1500000, CASE WHEN n % 20 = 0 THEN 50000 ELSE 0 END, '2026-01-01', '2027-01-01',
                CASE WHEN n % 20 = 0 THEN DATE '2026-05-01' END, 1, 1, 1 + n % 3, 1, 1,
                CASE WHEN n % 20 = 0 THEN 2 + (n / 20) % 4 ELSE 1 END, CASE WHEN n % 20 = 0 THEN 2 ELSE 1 END, 'CNY'
            FROM generate_series(1, {sizes.loans}) n ORDER BY 1, 2, 3""",
        """INSERT INTO loan_key (member_id, loan_no, subject_id, digest, version, role, open)
            SELECT member_id, loan_no, subject_id, digest, version, role, true FROM loan ORDER BY 1, 2, 3""",
        # Two in a hundred reports are missing, one in a hundred is refused, three are late.
        f"""INSERT INTO submission (member_id, id, state, sender, file, data_digest, manifest_digest, as_of_date,
                sequence, mode, record_count, rows, accepted, rejected, warned, codes, received_at, changed_at,
                published_at)
            SELECT m, (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000'
                    || '8' || lpad(to_hex(d), 3, '0') || lpad(to_hex(m), 12, '0'))::uuid,
                CASE WHEN (m * 31 + d * 17) % 100 = 7 THEN 6 ELSE 5 END, 'M' || lpad(m::text, 4, '0'), 'loans.csv',
                decode(md5(m || '-' || d), 'hex'), decode(md5(d || '+' || m), 'hex'), DATE '{TODAY}' - d, 1, 1, 1000,
                1000, 980, 20, 30, '{{"E1001": 8, "E1203": 7, "E2001": 5, "W4001": 30}}', at, at, at
            FROM generate_series(1, {sizes.members}) m, generate_series(1, {_DAYS}) d,
                LATERAL (SELECT (DATE '{TODAY}' - d + 1)::timestamp AT TIME ZONE 'Asia/Shanghai' - interval '2 hours' +
                    make_interval(secs => m,
                        hours => CASE WHEN (m * 13 + d * 29) % 100 < 3 THEN 20 ELSE 0 END) AS at) t
            WHERE (m * 7 + d * 11) % 100 >= 2""",
        """INSERT INTO member_book (member_id, class5, loans, outstanding, overdue_loans, overdue_amount)
            SELECT member_id, class5, count(*), sum(balance), count(overdue_since), sum(overdue_amount) FROM loan
            GROUP BY 1, 2""",
        f"""INSERT INTO member_book_day (member_id, day, class5, loans, outstanding, overdue_loans, overdue_amount)
            SELECT b.member_id, DATE '{TODAY}' - d, class5, loans - d, outstanding - d * 1000000, overdue_loans,
                overdue_amount
            FROM member_book b, generate_series(1, {_DAYS}) d""",
        """UPDATE report_day r SET loans = t.loans, outstanding = t.outstanding
            FROM (SELECT member_id, day, sum(loans) AS loans, sum(outstanding) AS outstanding FROM member_book_day
                GROUP BY 1, 2) t
            WHERE t.member_id = r.member_id AND t.day = r.day""",
        f"""INSERT INTO finding (member_id, submission_id, record, code, field, line, masked)
            SELECT s.member_id, s.id, n,
                (ARRAY{codes})[CASE WHEN n % 1000 = 0 THEN 1 + n / 1000 % {len(codes)} ELSE 1 END], 'id_no', n, '***'
            FROM (SELECT member_id, id FROM submission ORDER BY id DESC LIMIT 1) s,
                generate_series(1, {sizes.findings}) n""",
        """UPDATE submission s SET codes = f.codes FROM (
                SELECT submission_id, jsonb_object_agg(code, hits) AS codes FROM (
                    SELECT submission_id, code, count(*) AS hits FROM finding GROUP BY 1, 2) c GROUP BY 1) f
            WHERE s.id = f.submission_id""",
        f"""INSERT INTO enquiry (subject_id, id, member_id, asked_at, purpose, consent_no, staff, reference, policy,
                tier, facts, answer)
            SELECT {subject}, {_ID}, {member}, at, CASE WHEN n % 10 = 0 THEN 'guarantee' ELSE 'application' END,
                'SQ' || n % 5000, 'S-' || n % 97, 'case', '2020.1', 'full', 'f', 'a'
            FROM generate_series(1, {sizes.enquiries}) n,
                LATERAL (SELECT TIMESTAMPTZ '{TODAY} 20:00:00+08' - make_interval(secs => n * 40) AS at) t""",
        """INSERT INTO enquiry_key (member_id, key, digest, enquiry_id, subject_id, reservable)
            SELECT member_id, id::text, 'd', id, subject_id, purpose = 'application' FROM enquiry""",
        """INSERT INTO enquiry_directory (id, member_id, subject_id, purpose, staff, consent_no)
            SELECT id, member_id, subject_id, purpose, staff, consent_no FROM enquiry ORDER BY id""",
        # One enquiry in ten led to a reservation, the newest of which still hold.
        """INSERT INTO reservation (subject_id, id, member_id, enquiry_id, state, product, amount, granted_at,
                expires_at, changed_at)
            SELECT subject_id, id, member_id, id, 1, 1, 2000000, asked_at, asked_at + interval '3 days', asked_at
            FROM enquiry WHERE get_byte(uuid_send(id), 15) % 10 = 0""",
        """INSERT INTO reservation_key (member_id, key, digest, reservation_id, subject_id)
            SELECT member_id, id::text, 'd', id, subject_id FROM reservation""",
    ]
