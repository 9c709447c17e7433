"""What lies behind a filled book: replaced versions over two years, arrears among them, and a year of enquiries."""

from __future__ import annotations

from datetime import timedelta

import psycopg
from sqlalchemy import create_engine

from enquirybench.filler import Book
from huxin.registry.partitions import ensure_month
from huxin.registry.tables import loan

HISTORY_MONTHS = 24
_YEAR_DAYS = 364
_ASKED_A_SUBJECT = 0.35  # past enquiries, of which a quarter within the last month

# Answers and facts of the past are short here: nothing reads them, and ten million loans must fit a small disk.
_ENQUIRIES = """
    INSERT INTO enquiry (subject_id, id, member_id, asked_at, purpose, product, amount, policy, tier, facts, answer)
    SELECT subject_id, id, member_id, moment, purpose, 1, 1000000, '2020.1', 'full', sha512('facts'), sha512('answer')
    FROM asked
"""
_KEYS = """
    INSERT INTO enquiry_key (member_id, key, digest, enquiry_id, subject_id, reservable)
    SELECT member_id, id::text, sha256(uuid_send(id)), id, subject_id, purpose = 'application' FROM asked
    ORDER BY asked.member_id, asked.id
"""
# A UUIDv7 of the moment: the least one, with another UUID's random bits.
_ASKED = """
    CREATE TEMPORARY TABLE asked AS
    SELECT subject_id, moment, (%(first)s + floor(random() * %(members)s))::integer AS member_id,
        (left(id_floor(moment)::text, 14) || '7' || substr(gen_random_uuid()::text, 16))::uuid AS id,
        (ARRAY['application', 'application', 'application', 'guarantee', 'post_loan'])[1 + floor(random() * 5)::int]
            AS purpose
    FROM (SELECT subject_id, %(newest)s::timestamptz - power(random(), 2) * %(days)s * interval '1 day' AS moment
          FROM alias WHERE random() < %(share)s) AS drawn
"""
_ADVERSE = """
    INSERT INTO loan_adverse
        (subject_id, member_id, loan_no, version, since, until, dpd, overdue_amount, superseded_by)
    SELECT subject_id, member_id, loan_no, version, coalesce(overdue_since, as_of_date), until,
        coalesce(greatest(until - overdue_since, 0), 0), overdue_amount, superseded_by
    FROM (SELECT *, (superseded_at - interval '1 day')::date AS until FROM loan_history) AS gone
    WHERE overdue_since IS NOT NULL OR class5 >= 3
"""


def add_past(uri: str, book: Book, member_ids: list[int]) -> None:
    """One older version of every loan that is in its second one, replaced in the last 24 months; and past enquiries."""
    _make_months(uri, book)
    values = {
        "months": HISTORY_MONTHS,
        "day": book.as_of,
        "newest": book.recorded_at,
        "days": _YEAR_DAYS,
        "share": _ASKED_A_SUBJECT,
        "first": min(member_ids),
        "members": len(member_ids),
    }
    with psycopg.connect(uri) as connection:
        for statement in (_history(), _ADVERSE, _ASKED, _ENQUIRIES, _KEYS):
            connection.execute(statement, values)


def _make_months(uri: str, book: Book) -> None:
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(uri))
    with engine.begin() as connection:
        for back in range(HISTORY_MONTHS + 1):
            ensure_month(connection, book.recorded_at - timedelta(days=30.44 * back))
    engine.dispose()


def _history() -> str:
    """Every tenth older version was overdue for a month and a half, and more was owed then."""
    changed = {
        "version": "1",
        "balance": "least(principal, balance + coalesce(next_due_amount, 0))",
        "overdue_since": "CASE WHEN digest %% 10 = 0 THEN (moment - interval '45 days')::date ELSE NULL END",
        "overdue_amount": "CASE WHEN digest %% 10 = 0 THEN coalesce(next_due_amount, 0) ELSE 0 END",
        "status": "CASE WHEN digest %% 10 = 0 THEN 2 ELSE 1 END",
        "as_of_date": "(moment - interval '30 days')::date",
        "recorded_at": "moment - interval '30 days'",
        "closed_on": "NULL::date",
        "ended_by": "NULL::smallint",
    }
    names = [column.name for column in loan.columns]
    values = [changed.get(name, name) for name in names]
    return f"""
        INSERT INTO loan_history ({", ".join(names)}, superseded_at, superseded_by)
        SELECT {", ".join(values)}, moment, submission_id
        FROM (SELECT l.*, %(day)s::timestamptz
                  - random() * least(30.4 * %(months)s, %(day)s - l.disbursed_on) * interval '1 day' AS moment
              FROM loan l WHERE version = 2) AS replaced
    """  # noqa: S608  # names of our own
