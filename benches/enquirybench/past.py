"""What lies behind a filled book: replaced versions over two years, and past enquiries."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg
from sqlalchemy import create_engine

from enquirybench.filler import Book
from huxin.registry.partitions import ensure_month
from huxin.registry.tables import loan

HISTORY_MONTHS = 24


def add_past(uri: str, book: Book) -> None:
    """One older version of every loan that is in its second one, replaced in the last 24 months."""
    _make_months(uri, book)
    with psycopg.connect(uri) as connection:
        connection.execute(_history(), {"months": HISTORY_MONTHS, "day": book.as_of})


def _make_months(uri: str, book: Book) -> None:
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(uri))
    with engine.begin() as connection:
        for moment in _months(book.recorded_at):
            ensure_month(connection, moment)
    engine.dispose()


def _months(newest: datetime) -> list[datetime]:
    """A moment in each of the last months, the newest first."""
    return [newest - timedelta(days=30.44 * back) for back in range(HISTORY_MONTHS + 2)]


def _history() -> str:
    """Every tenth older version was overdue for a month or two, and more was owed then."""
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
