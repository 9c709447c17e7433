"""Writing the delta: the version that goes moves to history, the one that comes is copied in, keys follow."""

from __future__ import annotations

import pyarrow as pa

from huxin.registry import books
from huxin.registry.bulk import Bulk
from huxin.registry.delta import Ended, Kind
from huxin.registry.tables import loan
from huxin.registry.wire import Encoded

BAD_CLASS = 3  # substandard: from here on a class speaks of a loan gone bad

_COLUMNS = ", ".join(f'"{column.name}"' for column in loan.columns)
_GONE = ", ".join(f'g."{column.name}"' for column in loan.columns)
_OLD = ", ".join(f'l."{column.name}"' for column in loan.columns)
_SAME_LOAN = "l.subject_id = r.subject_id AND l.member_id = r.member_id AND l.loan_no = r.loan_no"
_SAME_KEY = "k.member_id = r.member_id AND k.loan_no = r.loan_no AND k.subject_id = r.subject_id"


# A version stood until its last confirmed day, or the day before the word that replaces it. One that was replaced on
# the very day it spoke of was a mistake and says nothing of arrears.
_ADVERSE = f"""
    INSERT INTO loan_adverse
        (subject_id, member_id, loan_no, version, since, until, dpd, overdue_amount, superseded_by)
    SELECT g.subject_id, g.member_id, g.loan_no, g.version, coalesce(g.overdue_since, g.as_of_date), u.until,
        coalesce(greatest(u.until - g.overdue_since, 0), 0), g.overdue_amount, b.submission_id
    FROM gone g JOIN batch b ON b.sub = g.sub JOIN member m ON m.id = g.member_id
    CROSS JOIN LATERAL (SELECT least(b.as_of_date - 1, coalesce(g.stale_as_of,
        greatest(CASE WHEN g.ended_by IS NULL THEN m.as_of_date ELSE g.ended_on - 1 END, g.as_of_date))) AS until) u
    WHERE (g.overdue_since IS NOT NULL OR g.class5 >= {BAD_CLASS}) AND g.void_by IS NULL AND u.until >= g.as_of_date
    ON CONFLICT DO NOTHING
"""


def supersede(bulk: Bulk) -> None:
    """Moves the versions that changed rows replace from `loan` to history, and notes which of them were adverse."""
    bulk.run(
        f"""
        WITH gone AS (
            DELETE FROM loan l USING resolved r WHERE {_SAME_LOAN} AND r.kind = {Kind.CHANGED}
            RETURNING r.sub, {_OLD}),
        adverse AS ({_ADVERSE}),
        less AS ({books.taken_from("gone g", "g")})
        INSERT INTO loan_history ({_COLUMNS}, superseded_at, superseded_by)
        SELECT {_GONE}, b.recorded_at, b.submission_id
        FROM gone g JOIN batch b ON b.sub = g.sub
        """
    )


def end(bulk: Bulk) -> None:
    """Ends what `ending` names: the last version goes to history, the row stays with ended_by set."""
    bulk.run(
        f"""
        INSERT INTO loan_history ({_COLUMNS}, superseded_at, superseded_by)
        SELECT {_OLD}, b.recorded_at, b.submission_id
        FROM ending r JOIN batch b USING (sub) JOIN loan l ON {_SAME_LOAN}
        """,
        books.taken_from(f"ending r JOIN loan l ON {_SAME_LOAN}", "l"),
        f"""
        UPDATE loan l SET version = k.version + 1, ended_by = r.reason, ended_on = b.as_of_date,
            submission_id = b.submission_id, recorded_at = b.recorded_at,
            void_by = CASE WHEN r.reason = {Ended.CORRECTED} THEN b.submission_id ELSE l.void_by END
        FROM ending r JOIN batch b USING (sub) JOIN loan_key k ON {_SAME_KEY} WHERE {_SAME_LOAN}
        """,
        f"""
        UPDATE loan_history l SET void_by = b.submission_id
        FROM ending r JOIN batch b USING (sub)
        WHERE {_SAME_LOAN} AND r.reason = {Ended.CORRECTED} AND l.void_by IS NULL
        """,
        f"""
        UPDATE loan_key k SET version = k.version + 1, ended_by = r.reason, stale = NULL
        FROM ending r WHERE {_SAME_KEY}
        """,
    )


def mark_stale(bulk: Bulk) -> None:
    """Keeps the last good version of what `going_stale` names, dated by the last day it was confirmed."""
    bulk.run(
        f"""
        UPDATE loan l SET stale_as_of = greatest(m.as_of_date, l.as_of_date), stale_by = b.submission_id
        FROM going_stale r JOIN batch b USING (sub) JOIN member m ON m.id = b.member_id WHERE {_SAME_LOAN}
        """,
        f"UPDATE loan_key k SET stale = true FROM going_stale r WHERE {_SAME_KEY}",
    )


def arrive(bulk: Bulk, current: Encoded | None) -> None:
    """COPYs new current versions into `loan`."""
    if current is not None:
        bulk.copy("loan", current)


def arrive_late(bulk: Bulk, late: pa.Table | None) -> None:
    """COPYs versions that are no longer the newest into history."""
    if late is not None:
        bulk.copy("loan_history", late)


def renew(bulk: Bulk, rows: pa.Table | None) -> None:
    """Has loans that are as they were bear these marks and digests: other keys made them, and no word of anybody's."""
    if rows is None:
        return
    bulk.run(
        "CREATE TEMPORARY TABLE IF NOT EXISTS renewed ON COMMIT DROP AS "
        "SELECT subject_id, member_id, loan_no, name_mark, mark_scheme, digest FROM loan WITH NO DATA",
        "TRUNCATE renewed",
    )
    bulk.copy("renewed", rows)
    bulk.run(
        f"""
        UPDATE loan l SET name_mark = r.name_mark, mark_scheme = r.mark_scheme, digest = r.digest
        FROM renewed r WHERE {_SAME_LOAN}
        """,
        f"UPDATE loan_key k SET digest = r.digest FROM renewed r WHERE {_SAME_KEY}",
    )


def add_keys(bulk: Bulk, new: Encoded | None) -> None:
    """COPYs the keys of new loans into `loan_key`."""
    if new is not None:
        bulk.copy("loan_key", new)


def update_keys(bulk: Bulk) -> None:
    """Brings the keys of changed and late loans to what was written."""
    bulk.run(
        f"""
        UPDATE loan_key k SET digest = r.digest, max_dpd = r.max_dpd, version = k.version + 1,
            role = r.role, ended_by = NULL, open = r.open, mobile_mark = coalesce(r.mobile_mark, k.mobile_mark),
            stale = CASE WHEN b.mode = 3 AND b.as_of_date < m.as_of_date THEN true END
        FROM resolved r JOIN batch b USING (sub) JOIN member m ON m.id = b.member_id
        WHERE {_SAME_KEY} AND r.kind = {Kind.CHANGED}
        """,
        f"UPDATE loan_key k SET version = k.version + 1 FROM resolved r WHERE {_SAME_KEY} AND r.kind = {Kind.LATE}",
        f"""
        UPDATE loan_key k SET mobile_mark = r.mobile_mark
        FROM resolved r WHERE {_SAME_KEY} AND r.calls AND r.kind IN ({Kind.UNCHANGED}, {Kind.LATE})
        """,
        # Somebody who never was the primary by the newest word: known by the key, so that versions go on from here.
        f"""
        INSERT INTO loan_key
            (member_id, loan_no, subject_id, digest, max_dpd, version, role, open, ended_by, mobile_mark)
        SELECT member_id, loan_no, subject_id, digest, max_dpd, 1, role, open, {Ended.CORRECTED}, mobile_mark
        FROM resolved WHERE kind = {Kind.LATE} AND NOT held
        """,
    )
