"""Tables of the audit log: leaves in their order, roots of full subtrees, signed checkpoints. Rows are only added.

`data` is SHA-256(salt ‖ record), what the tree is made of. Erasing a record takes salt and record and leaves data.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger, Table, Text, Uuid, text

from huxin.registry.tables import metadata, moment_type

audit_leaf = Table(
    "audit_leaf",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("outbox_id", Uuid, nullable=False, unique=True),
    Column("record_id", Uuid, nullable=False),
    Column("member_id", Integer),
    Column("topic", Text, nullable=False),
    Column("recorded_at", moment_type(), nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("salt", LargeBinary),
    Column("record", Text),
    Column("erased_at", moment_type()),
    Index("audit_leaf_record_id_idx", "record_id"),
    # Acts of the operator are few and are looked for by kind; enquiries are many and never are.
    Index("audit_leaf_act_idx", "topic", "number", postgresql_where=text("topic <> 'enquiry.answered'")),
)
# Full subtrees from level 4 upwards; what is below is made of sixteen leaves at most.
audit_node = Table(
    "audit_node",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)
audit_checkpoint = Table(
    "audit_checkpoint",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("signed_at", moment_type(), nullable=False),
)
