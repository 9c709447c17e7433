"""The temporary tables of one load: what came in, which submissions it came with, which rows were rejected.

They live and die with the load's own transaction, so that a killed worker leaves nothing behind.
"""

from __future__ import annotations

import pyarrow as pa

from huxin.registry import books
from huxin.registry.bulk import Bulk
from huxin.registry.wire import Encoded

BATCH = pa.schema(
    [
        ("sub", pa.int16()),
        ("member_id", pa.int32()),
        ("submission_id", pa.binary(16)),
        ("as_of_date", pa.date32()),
        ("sequence", pa.int32()),
        ("mode", pa.int16()),
        ("confirmed", pa.bool_()),
        ("hold", pa.bool_()),
        ("recorded_at", pa.timestamp("us", tz="UTC")),
    ]
)
INCOMING = pa.schema(
    [
        ("ord", pa.int32()),
        ("sub", pa.int16()),
        ("member_id", pa.int32()),
        ("loan_no", pa.string()),
        ("subject_id", pa.binary(16)),
        ("role", pa.int16()),
        ("digest", pa.int64()),
        ("dpd", pa.int32()),
        ("max_dpd", pa.int32()),
        ("open", pa.bool_()),
        ("deletes", pa.bool_()),
        ("mobile_mark", pa.int64()),
    ]
)
# Digests that rows may be on record with, under other keys; `renews` where the marks are to follow (nightly.turning).
OTHERS = pa.schema([("ord", pa.int32()), ("digest", pa.int64()), ("renews", pa.bool_())])
REJECTED = pa.schema([("sub", pa.int16()), ("loan_no", pa.string())])

_TYPES = {"submission_id": "uuid", "subject_id": "uuid", "recorded_at": "timestamptz"}
_PLAIN = {
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.string(): 'text COLLATE "C"',
}


def open_tables(bulk: Bulk) -> None:
    """Creates the empty temporary tables of a load."""
    bulk.run(*(_create(name, schema) for name, schema in _tables().items()))


def fill(bulk: Bulk, batch: pa.Table, rejected: Encoded) -> None:
    """COPYs in what is known of the submissions as wholes."""
    bulk.copy("batch", batch)
    bulk.copy("rejected", rejected)
    bulk.run("ANALYZE batch", "ANALYZE rejected")


def add_rows(bulk: Bulk, rows: pa.Table) -> None:
    """COPYs in a portion of the incoming rows."""
    bulk.copy("incoming", rows.cast(INCOMING))


def add_others(bulk: Bulk, rows: pa.Table | None) -> None:
    """COPYs in what they may be on record as, None while there is but one key."""
    if rows is not None:
        bulk.copy("others", rows.cast(OTHERS))


def _tables() -> dict[str, pa.Schema]:
    return {
        "batch": BATCH,
        "incoming": INCOMING,
        "others": OTHERS,
        "rejected": REJECTED,
        "book_change": books.CHANGE,
    }


def _create(name: str, schema: pa.Schema) -> str:
    columns = ", ".join(f'"{field.name}" {_TYPES.get(field.name) or _PLAIN[field.type]}' for field in schema)
    return f"CREATE TEMPORARY TABLE {name} ({columns}) ON COMMIT DROP"
