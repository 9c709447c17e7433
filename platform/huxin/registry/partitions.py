"""History by month, enquiries by half-year: a partition is made before the first row of its time is written."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, text

AHEAD = 2  # half-years of enquiries made ahead; what finds none goes to the default partition
# Rows stay whole beside their key: facts and answer together are a few kilobytes.
_STORAGE = "WITH (toast_tuple_target = 8160)"


def ensure_month(connection: Connection, moment: datetime) -> None:
    """Makes loan_history's partition for the month (UTC) of a moment, enquiry's for its half-year, where missing."""
    ensure_enquiry_halves(connection, moment)
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


def ensure_enquiry_halves(connection: Connection, moment: datetime, ahead: int = AHEAD) -> None:
    """Makes enquiry's partitions for the half-year (UTC) of a moment and the `ahead` that follow.

    An enquiry looks a year back, and each partition that it looks into costs it some ten microseconds: with months
    that was half of all it took. Whatever the default partition already holds of a half-year moves there.
    """
    for _ in range(ahead + 1):
        begin = _month(moment)[0]
        begin = begin.replace(month=begin.month - (begin.month - 1) % 6)
        after = begin.replace(year=begin.year + begin.month // 7, month=8 - begin.month)
        name = f"enquiry_y{begin:%Y}h{1 + begin.month // 7}"
        if not _there(connection, name):
            _one_at_a_time(connection)
            if not _there(connection, name):
                _add_enquiries(connection, name, begin, after)
        moment = after


def _add_enquiries(connection: Connection, name: str, begin: datetime, after: datetime) -> None:
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
