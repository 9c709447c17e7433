"""History and enquiries by month: the partition of a month is made before the first row of it is written."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, text

AHEAD = 3  # months of enquiries made ahead; what finds no month goes to the default partition
# Rows stay whole beside their key: facts and answer together are a few kilobytes.
_STORAGE = "WITH (toast_tuple_target = 8160)"


def ensure_month(connection: Connection, moment: datetime) -> None:
    """Makes loan_history's partition for the month (UTC) of a moment, and enquiry's up to AHEAD, where missing."""
    ensure_enquiry_months(connection, moment)
    begin, after = _month(moment)
    name = f"loan_history_y{begin:%Ym%m}"
    if _there(connection, name):
        return
    _one_at_a_time(connection)
    if not _there(connection, name):
        connection.execute(
            text(
                f"CREATE TABLE {name} PARTITION OF loan_history "
                f"FOR VALUES FROM ('{begin.isoformat()}') TO ('{after.isoformat()}')"
            )
        )


def ensure_enquiry_months(connection: Connection, moment: datetime, ahead: int = AHEAD) -> None:
    """Makes enquiry's partitions for the month (UTC) of a moment and the `ahead` that follow.

    Whatever the default partition already holds of a month moves there.
    """
    for _ in range(ahead + 1):
        begin, after = _month(moment)
        name = f"enquiry_y{begin:%Ym%m}"
        if not _there(connection, name):
            _one_at_a_time(connection)
            if not _there(connection, name):
                _add_enquiry_month(connection, name, begin, after)
        moment = after


def _add_enquiry_month(connection: Connection, name: str, begin: datetime, after: datetime) -> None:
    low, high = (
        connection.execute(text("SELECT id_floor(:at)"), {"at": at}).scalar_one() for at in (begin, after)
    )
    # Attached, not created in place: that would lock out every reader of enquiries for longer.
    for statement in (
        f"CREATE TABLE {name} (LIKE enquiry INCLUDING ALL) {_STORAGE}",
        "LOCK TABLE enquiry_default IN ACCESS EXCLUSIVE MODE",
        f"""WITH moved AS (DELETE FROM enquiry_default WHERE id >= '{low}' AND id < '{high}' RETURNING *)
            INSERT INTO {name} SELECT * FROM moved""",
        f"ALTER TABLE enquiry ATTACH PARTITION {name} FOR VALUES FROM ('{low}') TO ('{high}')",
    ):
        connection.execute(text(statement))


def _month(moment: datetime) -> tuple[datetime, datetime]:
    """The begin of a moment's month (UTC) and of the next."""
    begin = moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return begin, begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)


def _one_at_a_time(connection: Connection) -> None:
    """IF NOT EXISTS does not wait for another who is making it: the second one fails."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('huxin/partitions', 7))"))


def _there(connection: Connection, name: str) -> bool:
    """By a query, which sees what was committed meanwhile; to_regclass may answer from a cache that does not."""
    query = text("SELECT 1 FROM pg_class WHERE relname = :name AND relispartition")
    return connection.execute(query, {"name": name}).scalar() is not None
