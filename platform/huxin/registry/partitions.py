"""History by month: the partition of a month is made before the first row of it is written."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, text


def ensure_month(connection: Connection, moment: datetime) -> None:
    """Makes loan_history's partition for the month (UTC) of a moment, when it is not there."""
    begin = moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    after = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
    name = f"loan_history_y{begin:%Ym%m}"
    if connection.execute(text("SELECT to_regclass(:name)"), {"name": name}).scalar() is None:
        connection.execute(
            text(
                f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF loan_history "
                f"FOR VALUES FROM ('{begin.isoformat()}') TO ('{after.isoformat()}')"
            )
        )
