"""Tables of the keys' life: who has read the keyrings, what two operators have signed. No key stands in them."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from huxin.registry.tables import metadata, moment_type

# A process that holds keys; `versions` are those of the keyring files that it has read, by zone.
key_reader = Table(
    "key_reader",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("versions", JSONB, nullable=False),
    Column("started_at", moment_type(), nullable=False),
    Column("read_at", moment_type(), nullable=False),
)
# The epochs as the last act on record left them: a keyring that says otherwise was changed without one, or is another.
key_epoch = Table(
    "key_epoch",
    metadata,
    Column("zone", Text, primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("check_value", Text, nullable=False),
    Column("changed_at", moment_type(), nullable=False),
)
# That an epoch be destroyed: asked by one operator, approved by another, each with a signature of their own key.
key_request = Table(
    "key_request",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("zone", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("check_value", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_with", Uuid, nullable=False),
    Column("requested_at", moment_type(), nullable=False),
    Column("expires_at", moment_type(), nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("approved_by", Text),
    Column("approved_with", Uuid),
    Column("approved_at", moment_type()),
    Column("approval", LargeBinary),
    Column("done_at", moment_type()),
    Index("key_request_epoch_idx", "zone", "epoch"),
)
