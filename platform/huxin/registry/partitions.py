"""History by month: the partition of a month is made before the first row of it is written."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, text


def ensure_month(connection: Connection, moment: datetime) -> None:
    """Makes loan_history's partition for the month (UTC) of a moment, when it is not there."""
    begin = moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    after = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
    name = f"loan_history_y{begin:%Ym%m}"
    if _there(connection, name):
        return
    # IF NOT EXISTS does not wait for another who is making it: the second one fails. Hence one at a time.
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('huxin/partitions', 7))"))
    if not _there(connection, name):
        connection.execute(
            text(
                f"CREATE TABLE {name} PARTITION OF loan_history "
                f"FOR VALUES FROM ('{begin.isoformat()}') TO ('{after.isoformat()}')"
            )
        )


def _there(connection: Connection, name: str) -> bool:
    """By a query, which sees what was committed meanwhile; to_regclass may answer from a cache that does not."""
    query = text("SELECT 1 FROM pg_class WHERE relname = :name AND relispartition")
    return connection.execute(query, {"name": name}).scalar() is not None
