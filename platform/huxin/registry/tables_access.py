"""Tables of who may call: credentials (public keys only), and the client assertions that were used."""

from __future__ import annotations

from sqlalchemy import ARRAY, Column, DateTime, Index, Integer, LargeBinary, Table, Text, Uuid

from huxin.registry.tables import metadata

# Of no member: member_id is 0 where the role is operator or auditor. `holder` is what iss and sub must say.
credential = Table(
    "credential",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("role", Text, nullable=False),
    Column("member_id", Integer, nullable=False),
    Column("holder", Text, nullable=False),
    Column("alg", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
    Column("last_used_at", DateTime(timezone=True)),
    Index("credential_holder_idx", "role", "holder"),
)
# A jti is a caller's own text: only its digest is kept, and only while the assertion could be used again.
assertion_used = Table(
    "assertion_used",
    metadata,
    Column("credential_id", Uuid, primary_key=True),
    Column("jti_digest", Uuid, primary_key=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)
