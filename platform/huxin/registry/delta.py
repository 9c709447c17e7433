"""What one load changes: each incoming row is new, changed, unchanged, late or a deletion; what is absent ends.

All by hash joins over the member's own keys; a member's book is never compared column by column, its rows carry
a digest. Kinds: see `Kind`; the reasons for an end are `Ended`.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from huxin.registry.blocks import Blocks, blocks
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

# Of a correction's loans, the parties of whom the registry has a newer word. A standing party that is not stale is
# confirmed by each submission of its member; what a withdrawn submission said is no word at all.
_NEWER = f"""
    SELECT b.sub, k.loan_no, k.subject_id, k.role, k.ended_by IS NULL AS stands
    FROM batch b
    JOIN member m ON m.id = b.member_id
    JOIN loan_key k ON k.member_id = b.member_id
    JOIN loan l ON l.subject_id = k.subject_id AND l.member_id = k.member_id AND l.loan_no = k.loan_no
    LEFT JOIN submission s ON s.member_id = l.member_id AND s.id = l.submission_id
    WHERE b.mode = {CORRECTION} AND k.ended_by IS DISTINCT FROM {Ended.WITHDRAWN}
      AND k.loan_no IN (
        SELECT i.loan_no FROM incoming i WHERE i.sub = b.sub
        UNION SELECT x.loan_no FROM rejected x WHERE x.sub = b.sub)
      AND CASE
        WHEN k.ended_by IS NOT NULL THEN (b.as_of_date, b.sequence) <= (l.ended_on, coalesce(s.sequence, 0))
        WHEN k.stale THEN b.as_of_date < l.stale_as_of
        ELSE coalesce((b.as_of_date, b.sequence) <= (m.as_of_date, coalesce(m.as_of_sequence, 0)), false)
            OR (b.as_of_date, b.sequence) <= (l.as_of_date, coalesce(s.sequence, 0)) END
"""

# A late row: the registry has a newer word of this party, or of somebody else as the primary in its place.
_LATE = f"""
    n.subject_id IS NOT NULL
    OR (b.mode = {CORRECTION} AND i.role = 1 AND coalesce(k.ended_by, {Ended.WITHDRAWN}) = {Ended.WITHDRAWN}
        AND (k.subject_id IS NULL OR k.ended_by IS NOT NULL)
        AND EXISTS (SELECT 1 FROM newer o WHERE o.sub = i.sub AND o.loan_no = i.loan_no AND o.stands AND o.role = 1
            AND NOT EXISTS (SELECT 1 FROM incoming j
                WHERE j.sub = i.sub AND j.loan_no = i.loan_no AND j.subject_id = o.subject_id AND NOT j.deletes)))
"""

# Nothing was said anew: the same digest, or the one it has under another key, by which its name mark is another; and a
# longest delay that is the same or that the present one has reached.
_SAME = """((k.digest = i.digest OR o.ord IS NOT NULL) AND (k.max_dpd IS NOT DISTINCT FROM i.max_dpd
        OR (i.max_dpd IS NULL AND k.max_dpd <= i.dpd)))"""

# What a row may be on record as under other keys; while there is one pair of keys, nothing is looked for.
_OTHERS = "LEFT JOIN others o ON o.ord = i.ord AND o.digest = k.digest AND k.digest <> i.digest"
_NO_OTHERS = "CROSS JOIN (SELECT NULL::integer AS ord, false AS renews) o"

# One pass over what came in and the members' keys, from which only what differs is kept: rows to write or to pair with
# a mobile, and keys that still stand and that no row names.
_COMPARE = f"""
    CREATE TEMPORARY TABLE compared ON COMMIT DROP AS
    SELECT i.ord, coalesce(i.sub, k.sub) AS sub, coalesce(i.member_id, k.member_id) AS member_id,
        coalesce(i.loan_no, k.loan_no) AS loan_no, coalesce(i.subject_id, k.subject_id) AS subject_id,
        coalesce(i.role, k.role) AS role, coalesce(i.open, k.open) AS open, i.digest, i.max_dpd, i.mobile_mark,
        i.deletes, k.stale, coalesce(k.version, 0) AS version, k.subject_id IS NOT NULL AS held,
        k.subject_id IS NULL OR k.ended_by = {Ended.WITHDRAWN} AS unknown, d.kind::smallint AS kind, d.calls,
        d.kind = {Kind.UNCHANGED} AND o.renews IS TRUE AS renews
    FROM incoming i
    FULL JOIN (SELECT b.sub, k.* FROM batch b JOIN loan_key k ON k.member_id = b.member_id) k
        ON k.member_id = i.member_id AND k.loan_no = i.loan_no AND k.subject_id = i.subject_id
    {{others}}
    LEFT JOIN batch b ON b.sub = i.sub
    LEFT JOIN newer n ON n.sub = i.sub AND n.loan_no = i.loan_no AND n.subject_id = i.subject_id
    CROSS JOIN LATERAL (SELECT
        CASE WHEN i.deletes THEN CASE WHEN n.subject_id IS NULL THEN {Kind.DELETE} ELSE {Kind.UNCHANGED} END
             WHEN {_LATE} THEN {Kind.LATE}
             WHEN k.subject_id IS NULL THEN {Kind.NEW}
             WHEN k.ended_by IS NOT NULL OR k.stale OR NOT {_SAME} THEN {Kind.CHANGED}
             ELSE {Kind.UNCHANGED} END AS kind,
        NOT i.deletes AND i.mobile_mark IS NOT NULL AND i.mobile_mark IS DISTINCT FROM k.mobile_mark AS calls) d
    WHERE CASE WHEN i.ord IS NULL THEN k.ended_by IS NULL
        ELSE d.calls OR o.renews IS TRUE OR d.kind <> {Kind.UNCHANGED} END
"""
_RESOLVED = """
    CREATE TEMPORARY TABLE resolved ON COMMIT DROP AS
    SELECT ord, sub, member_id, loan_no, subject_id, role, digest, max_dpd, open, version, held, unknown, kind,
        mobile_mark, calls, renews
    FROM compared WHERE ord IS NOT NULL
"""

_HELD = """
    SELECT coalesce(bool_or(EXISTS (SELECT 1 FROM loan_key k WHERE k.member_id = b.member_id)), false) AS held
    FROM batch b
"""

# Keys of the batch's members that still stand and that no row of the batch names: apart, so that what is said of the
# other parties of a loan is gathered for these few loans only.
_MISSING = """
    CREATE TEMPORARY TABLE missing ON COMMIT DROP AS
    SELECT c.sub, c.member_id, c.loan_no, c.subject_id, c.role, c.open, c.stale, b.mode, b.hold
    FROM compared c JOIN batch b USING (sub) WHERE c.ord IS NULL
"""
_ABSENT = f"""
    CREATE TEMPORARY TABLE absent ON COMMIT DROP AS
    SELECT x.*, coalesce(r.named, false) AS named, coalesce(r.has_primary, false) AS has_primary,
        EXISTS (SELECT 1 FROM resolved r
            WHERE r.sub = x.sub AND r.loan_no = x.loan_no AND r.kind = {Kind.LATE}) AS late,
        EXISTS (SELECT 1 FROM newer n
            WHERE n.sub = x.sub AND n.loan_no = x.loan_no AND n.subject_id = x.subject_id) AS newer
    FROM (SELECT k.*, EXISTS (SELECT 1 FROM rejected x WHERE x.sub = k.sub AND x.loan_no = k.loan_no) AS rejected
          FROM missing k) x
    LEFT JOIN (
        SELECT o.sub, o.loan_no, true AS named, bool_or(o.role = 1) AS has_primary
        FROM incoming o WHERE NOT o.deletes
          AND EXISTS (SELECT 1 FROM missing k WHERE k.sub = o.sub AND k.loan_no = o.loan_no)
        GROUP BY o.sub, o.loan_no
    ) r ON r.sub = x.sub AND r.loan_no = x.loan_no
    WHERE x.mode = {FULL} OR r.named OR x.rejected
"""

# By absence, while every rejected row can be matched to a loan; and by a delete row, the primary's for the whole loan.
_ENDING = f"""
    CREATE TEMPORARY TABLE ending ON COMMIT DROP AS
    SELECT sub, member_id, loan_no, subject_id,
        (CASE WHEN named AND has_primary AND role = 1 THEN {Ended.CORRECTED}
              ELSE {Ended.NOT_REPORTED} END)::smallint AS reason
    FROM absent WHERE NOT rejected AND NOT hold AND NOT late AND NOT newer
        AND (named OR (mode = {FULL} AND open))
"""

_DELETING = f"""
    INSERT INTO ending
    SELECT DISTINCT r.sub, k.member_id, k.loan_no, k.subject_id, {Ended.DELETED}::smallint
    FROM resolved r
    JOIN loan_key own ON own.member_id = r.member_id AND own.loan_no = r.loan_no
        AND own.subject_id = r.subject_id AND own.ended_by IS NULL
    JOIN loan_key k ON k.member_id = r.member_id AND k.loan_no = r.loan_no AND k.ended_by IS NULL
        AND (k.subject_id = r.subject_id OR own.role = 1)
    WHERE r.kind = {Kind.DELETE}
      AND NOT EXISTS (SELECT 1 FROM incoming x WHERE x.sub = r.sub AND x.loan_no = k.loan_no
        AND x.subject_id = k.subject_id AND NOT x.deletes)
      AND NOT EXISTS (SELECT 1 FROM newer n WHERE n.sub = r.sub AND n.loan_no = k.loan_no
        AND n.subject_id = k.subject_id)
"""
_DELETED_ONCE = f"""
    DELETE FROM ending e USING ending d WHERE d.reason = {Ended.DELETED} AND e.reason <> d.reason
        AND e.sub = d.sub AND e.loan_no = d.loan_no AND e.subject_id = d.subject_id
"""

# What stays although nothing good was said of it tonight: it is kept, and marked as of its last good day.
_STALE = f"""
    CREATE TEMPORARY TABLE going_stale ON COMMIT DROP AS
    SELECT a.sub, a.member_id, a.loan_no, a.subject_id FROM absent a
    WHERE a.stale IS NOT TRUE AND NOT a.newer
        AND (a.rejected OR (a.hold AND (a.named OR (a.mode = {FULL} AND a.open))))
        AND NOT EXISTS (SELECT 1 FROM ending e WHERE e.sub = a.sub AND e.loan_no = a.loan_no
            AND e.subject_id = a.subject_id)
"""


def books_held(bulk: Bulk) -> bool:
    """Whether any of the batch's members has reported a loan before; if not, all that comes is new and nothing ends."""
    ((held,),) = bulk.rows(_HELD)
    return bool(held)


def resolve(bulk: Bulk, others: bool = True) -> None:
    """Builds `resolved`: each incoming row that says something new, with its kind and the version before it.

    What is as it was is not in it, unless its mobile is another. Without `others` (incoming.add_others) no row can be
    on record under other keys.
    """
    newer = f"CREATE TEMPORARY TABLE newer ON COMMIT DROP AS {_NEWER}"
    # Of `newer` the planner must know that it is mostly empty, or all that came in is hashed a second time for it.
    bulk.run(newer, "ANALYZE newer")
    if others:
        bulk.run("ANALYZE others")
    compare = _COMPARE.format(others=_OTHERS if others else _NO_OTHERS)
    bulk.run(compare, "ANALYZE compared", _RESOLVED, "ANALYZE resolved")


def index_resolved(bulk: Bulk) -> None:
    """Makes a portion of `resolved` cheap to find: worth it where `arriving` is asked for many."""
    bulk.run("CREATE INDEX ON resolved (ord)")


def find_endings(bulk: Bulk) -> None:
    """Builds `absent`, `ending` and `going_stale` from `resolved`; a member without a book costs nothing."""
    deleting = (_DELETING, _DELETED_ONCE)
    bulk.run(_MISSING, "ANALYZE missing", _ABSENT, "ANALYZE absent", _ENDING, *deleting, _STALE)


def vanishing(bulk: Bulk) -> pa.Table:
    """Per full submission that leaves out open loans: `sub`, `vanished` (how many), `book` (open loans held).

    A loan counts once, also where a stale primary stands beside the one that came after it.
    """
    primary = "k.member_id = b.member_id AND k.open AND k.ended_by IS NULL AND k.role = 1"
    return bulk.table(
        f"""
        SELECT b.sub, v.vanished::bigint AS vanished, (
            SELECT count(*) FROM loan_key k WHERE {primary} AND k.stale IS NOT TRUE)::bigint + (
            SELECT count(DISTINCT k.loan_no) FROM loan_key k
            WHERE {primary} AND k.stale AND NOT EXISTS (
                SELECT FROM loan_key o WHERE o.member_id = k.member_id AND o.loan_no = k.loan_no
                  AND o.open AND o.ended_by IS NULL AND o.role = 1 AND o.stale IS NOT TRUE))::bigint AS book
        FROM batch b
        JOIN (SELECT e.sub, count(DISTINCT e.loan_no) AS vanished
              FROM ending e JOIN absent a USING (sub, loan_no, subject_id)
              WHERE e.reason = {Ended.NOT_REPORTED} AND NOT a.named AND a.role = 1 GROUP BY e.sub) v ON v.sub = b.sub
        WHERE b.mode = {FULL}
        """,
        {"sub": "int2", "vanished": "int8", "book": "int8"},
    )


def arriving(bulk: Bulk, begin: int, end: int) -> pa.Table:
    """Of the incoming rows with begin <= ord < end those to write.

    Columns: `ord`, `subject_id` (16 bytes), `version` (the new one), `late`, `new`, `void`.

    A late row is void at once where somebody else is the primary by a newer word.
    """
    return bulk.table(
        f"""
        SELECT ord, subject_id, version + 1 AS version, kind = {Kind.LATE} AS late,
            kind = {Kind.NEW} AS new, (kind = {Kind.LATE} AND unknown) IS TRUE AS void
        FROM resolved WHERE kind IN ({Kind.NEW}, {Kind.CHANGED}, {Kind.LATE})
            AND ord >= {int(begin)} AND ord < {int(end)}
        """,
        {
            "ord": "int4",
            "subject_id": "uuid",
            "version": "int4",
            "late": "bool",
            "new": "bool",
            "void": "bool",
        },
    )


def renewing(bulk: Bulk, begin: int, end: int) -> pa.Table:
    """Of the incoming rows with begin <= ord < end those that say nothing new but whose marks are of earlier keys.

    Columns: `ord`, `subject_id` (16 bytes).
    """
    return bulk.table(
        f"SELECT ord, subject_id FROM resolved WHERE renews AND ord >= {int(begin)} AND ord < {int(end)}",
        {"ord": "int4", "subject_id": "uuid"},
    )


def all_new(subjects: Blocks, wanted: npt.NDArray[np.bool_], begin: int) -> pa.Table:
    """What `arriving` would say of rows begin, begin + 1, … with these subjects if all that are wanted are new."""
    places = np.flatnonzero(wanted)
    count = len(places)
    return pa.table(
        {
            "ord": pa.array((places + begin).astype(np.int32)),
            "subject_id": blocks(subjects[places]),
            "version": pa.array(np.ones(count, np.int32)),
            "late": pa.array(np.zeros(count, bool)),
            "new": pa.array(np.ones(count, bool)),
            "void": pa.array(np.zeros(count, bool)),
        }
    )


def drop_submissions(bulk: Bulk, subs: list[int]) -> None:
    """Takes submissions that must wait out of this load, before anything is written."""
    if not subs:
        return
    marks = ", ".join(str(int(sub)) for sub in subs)
    tables = ("newer", "compared", "resolved", "missing", "absent", "ending", "going_stale", "batch")
    bulk.run(*(f"DELETE FROM {table} WHERE sub IN ({marks})" for table in tables))
