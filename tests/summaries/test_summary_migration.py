"""What was there before the sums were kept is summed up by the migration itself."""

from __future__ import annotations

import psycopg

from huxin.registry import migrate
from huxin.registry.connect import libpq_uri
from huxin.settings import Settings
from support.sums import summed_up

_BEFORE = "0014"
_SUBMISSIONS = """
    INSERT INTO submission (member_id, id, state, sender, file, data_digest, manifest_digest, as_of_date, rows,
        accepted, rejected, codes, received_at, changed_at)
    SELECT 1 + n % 2, gen_random_uuid(), 1 + n % 7, 'M', 'f', decode(md5(n::text), 'hex'), '',
        DATE '2026-05-01' + n / 9, n, n - 1, 1, jsonb_build_object('E1001', n, 'W4001', 1), now(), now()
    FROM generate_series(1, 90) n
"""
_LOANS = """
    INSERT INTO loan (subject_id, member_id, loan_no, submission_id, recorded_at, as_of_date, version, digest,
        principal, balance, overdue_amount, disbursed_on, due_on, role, borrower_kind, product, guarantee,
        repayment_method, class5, status, currency, ended_by)
    SELECT gen_random_uuid(), 1 + n % 2, n::text, gen_random_uuid(), now(), '2026-05-31', 1, 1, 100, n % 5, 0,
        '2026-01-01', '2027-01-01', 1 + n % 3, 1, 1, 1, 1, 1 + n % 5, 1 + n % 8, 'CNY',
        CASE WHEN n % 11 = 0 THEN 1 END
    FROM generate_series(1, 500) n
"""
_ENQUIRIES = """
    INSERT INTO enquiry (subject_id, id, member_id, asked_at, purpose, staff, consent_no, policy, tier, facts, answer)
    SELECT gen_random_uuid(), gen_random_uuid(), 1, now(), 'application', 'S', 'C', 'p', 'full', '', ''
    FROM generate_series(1, 9)
"""


def test_what_is_on_record_is_summed_up(empty_settings: Settings) -> None:
    migrate.upgrade(empty_settings, _BEFORE)
    with psycopg.connect(libpq_uri(empty_settings)) as database:
        database.execute(
            "INSERT INTO member (id, code, name, as_of_date, created_at) VALUES (1, 'M1', 'a', '2026-05-31', now()), "
            "(2, 'M2', 'b', NULL, now())"
        )
        database.execute(_SUBMISSIONS)
        database.execute(_LOANS)
        database.execute(_ENQUIRIES)
    migrate.upgrade(empty_settings)
    assert migrate.check_drift(empty_settings) == []
    summed_up(empty_settings)
    with psycopg.connect(libpq_uri(empty_settings)) as database:
        assert database.execute("SELECT count(*) FROM enquiry_directory WHERE staff = 'S'").fetchall() == [
            (9,)
        ]
