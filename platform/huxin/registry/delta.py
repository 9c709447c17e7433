"""What one load changes: each incoming row is new, changed, unchanged, late or a deletion; what is absent ends.

All by hash joins over the member's own keys; a member's book is never compared column by column, its rows carry
a digest. Kinds: see `Kind`; the reasons for an end are `Ended`.
"""

from __future__ import annotations

from enum import IntEnum

import pyarrow as pa

from huxin.registry.bulk import Bulk


class Kind(IntEnum):
    """What an incoming row is to the registry. LATE enters history only."""

    UNCHANGED = 0
    NEW = 1
    CHANGED = 2
    LATE = 3
    DELETE = 4


class Ended(IntEnum):
    """Why the registry ended a version that its member did not end itself."""

    NOT_REPORTED = 1
    CORRECTED = 2
    DELETED = 3
    WITHDRAWN = 4


FULL, INCREMENTAL, CORRECTION = 1, 2, 3

# The loan's own row is looked up only where a correction needs it, hence the scalar subqueries.
_OWN = "FROM loan l WHERE (l.subject_id, l.member_id, l.loan_no) = (k.subject_id, k.member_id, k.loan_no)"

# A late row: a correction whose day is behind what the registry holds for that loan.
_LATE = f"""
    b.mode = {CORRECTION} AND k.subject_id IS NOT NULL
    AND CASE WHEN k.ended_by IS NULL AND k.stale IS NOT TRUE THEN
        (b.as_of_date, b.sequence)
            <= (greatest(m.as_of_date, (SELECT l.as_of_date {_OWN})), coalesce(m.as_of_sequence, 0))
        ELSE b.as_of_date < (SELECT coalesce(l.ended_on, l.stale_as_of, l.as_of_date) {_OWN}) END
"""

_RESOLVE = f"""
    CREATE TEMPORARY TABLE resolved ON COMMIT DROP AS
    SELECT i.ord, i.sub, b.member_id, i.loan_no, a.subject_id, i.role, i.digest, i.open,
        coalesce(k.version, 0) AS version,
        (CASE WHEN i.deletes THEN {Kind.DELETE}
              WHEN {_LATE} THEN {Kind.LATE}
              WHEN k.subject_id IS NULL THEN {Kind.NEW}
              WHEN k.ended_by IS NOT NULL OR k.stale OR k.digest <> i.digest THEN {Kind.CHANGED}
              ELSE {Kind.UNCHANGED} END)::smallint AS kind
    FROM incoming i
    JOIN batch b ON b.sub = i.sub
    JOIN member m ON m.id = b.member_id
    JOIN alias a ON a.token = i.token AND a.scheme = i.scheme
    LEFT JOIN loan_key k
        ON k.member_id = b.member_id AND k.loan_no = i.loan_no AND k.subject_id = a.subject_id
"""

# Keys of the batch's members that still stand and that no row of the batch names: first by the anti-join alone,
# so that what is said of the other parties of a loan is gathered for these few loans only.
_MISSING = """
    CREATE TEMPORARY TABLE missing ON COMMIT DROP AS
    SELECT b.sub, k.member_id, k.loan_no, k.subject_id, k.role, k.open, b.mode, b.hold
    FROM batch b JOIN loan_key k ON k.member_id = b.member_id AND k.ended_by IS NULL
    WHERE NOT EXISTS (
        SELECT 1 FROM resolved o WHERE o.sub = b.sub AND o.loan_no = k.loan_no AND o.subject_id = k.subject_id)
"""
_ABSENT = """
    CREATE TEMPORARY TABLE absent ON COMMIT DROP AS
    SELECT x.*, coalesce(r.named, false) AS named, coalesce(r.has_primary, false) AS has_primary,
        coalesce(r.late, false) AS late
    FROM (SELECT k.*, EXISTS (SELECT 1 FROM rejected x WHERE x.sub = k.sub AND x.loan_no = k.loan_no) AS rejected
          FROM missing k) x
    LEFT JOIN (
        SELECT o.sub, o.loan_no, true AS named, bool_or(o.role = 1) AS has_primary, bool_or(o.kind = 3) AS late
        FROM resolved o WHERE o.kind <> 4
          AND EXISTS (SELECT 1 FROM missing k WHERE k.sub = o.sub AND k.loan_no = o.loan_no)
        GROUP BY o.sub, o.loan_no
    ) r ON r.sub = x.sub AND r.loan_no = x.loan_no
    WHERE x.mode = 1 OR r.named OR x.rejected
"""

_ENDING = f"""
    CREATE TEMPORARY TABLE ending ON COMMIT DROP AS
    SELECT sub, member_id, loan_no, subject_id,
        (CASE WHEN named AND has_primary AND role = 1 THEN {Ended.CORRECTED}
              ELSE {Ended.NOT_REPORTED} END)::smallint AS reason
    FROM absent WHERE NOT rejected AND NOT late AND (named OR (mode = {FULL} AND open AND NOT hold))
    UNION
    SELECT r.sub, k.member_id, k.loan_no, k.subject_id, {Ended.DELETED}::smallint
    FROM resolved r
    JOIN loan_key own ON own.member_id = r.member_id AND own.loan_no = r.loan_no
        AND own.subject_id = r.subject_id
    JOIN loan_key k ON k.member_id = r.member_id AND k.loan_no = r.loan_no AND k.ended_by IS NULL
        AND (k.subject_id = r.subject_id OR own.role = 1)
    WHERE r.kind = {Kind.DELETE}
"""

# What stays although nothing good was said of it tonight: it is kept, and marked as of its last good day.
_STALE = f"""
    CREATE TEMPORARY TABLE going_stale ON COMMIT DROP AS
    SELECT a.sub, a.member_id, a.loan_no, a.subject_id FROM absent a
    JOIN loan_key k USING (member_id, loan_no, subject_id)
    WHERE k.stale IS NOT TRUE AND (a.rejected OR (a.hold AND a.mode = {FULL} AND a.open AND NOT a.named))
"""


def resolve(bulk: Bulk) -> None:
    """Builds `resolved`: a row for each incoming one with its subject, its kind and the version before it."""
    bulk.run(_RESOLVE, "ANALYZE resolved")


def find_endings(bulk: Bulk) -> None:
    """Builds `absent`, `ending` and `going_stale` from `resolved`; a member without a book costs nothing."""
    bulk.run(_MISSING, "ANALYZE missing", _ABSENT, "ANALYZE absent", _ENDING, _STALE)


def vanishing(bulk: Bulk) -> pa.Table:
    """Per full submission that leaves out open loans: `sub`, `vanished` (how many), `book` (open loans held)."""
    return bulk.rows(
        f"""
        SELECT b.sub, v.vanished::bigint AS vanished, (
            SELECT count(*) FROM loan_key k
            WHERE k.member_id = b.member_id AND k.open AND k.ended_by IS NULL AND k.role = 1)::bigint AS book
        FROM batch b
        JOIN (SELECT e.sub, count(*) AS vanished FROM ending e JOIN absent a USING (sub, loan_no, subject_id)
              WHERE e.reason = {Ended.NOT_REPORTED} AND NOT a.named AND a.role = 1 GROUP BY e.sub) v ON v.sub = b.sub
        WHERE b.mode = {FULL}
        """
    )


def arriving(bulk: Bulk) -> pa.Table:
    """The incoming rows to write: `ord`, `subject_id` (16 bytes), `version` (the new one), `late`, `new`."""
    return bulk.rows(
        f"""
        SELECT ord, uuid_send(subject_id) AS subject_id, version + 1 AS version, kind = {Kind.LATE} AS late,
            kind = {Kind.NEW} AS new
        FROM resolved WHERE kind IN ({Kind.NEW}, {Kind.CHANGED}, {Kind.LATE})
        """
    )


def drop_submissions(bulk: Bulk, subs: list[int]) -> None:
    """Takes submissions that must wait out of this load, before anything is written."""
    if not subs:
        return
    marks = ", ".join(str(int(sub)) for sub in subs)
    tables = ("resolved", "missing", "absent", "ending", "going_stale", "batch")
    bulk.run(*(f"DELETE FROM {table} WHERE sub IN ({marks})" for table in tables))
