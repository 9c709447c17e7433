"""Tables of blind mode: which generations of the OPRF key are at work. No key is here, and no element is readable."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, SmallInteger, Table, text

from huxin.registry.tables import metadata, moment_type

# By epoch of the entry zone's keyring. States: see blind.Standing. Blind mode is on where one of them is PRESENT.
oprf_generation = Table(
    "oprf_generation",
    metadata,
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("public", LargeBinary, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("published_at", moment_type(), nullable=False),
    Column("changed_at", moment_type(), nullable=False),
    # However many turn it on or rotate at once, one key is the present one.
    Index("oprf_generation_present", "state", unique=True, postgresql_where=text("state = 1")),
)
