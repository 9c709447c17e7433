"""Tables of blind mode: which generations of the OPRF key are at work, and elements, sealed, beside their aliases."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, SmallInteger, Table, Uuid, text

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
    # δ that leads here from the generation before, sealed under the registry zone's key; where zones are split.
    Column("step", LargeBinary),
    # However many turn it on or rotate at once, one key is the present one.
    Index("oprf_generation_present", "state", unique=True, postgresql_where=text("state = 1")),
)

# by token ---------------------------------------------------------------------------------------------
# An alias of suite OPRF cannot be taken back to its element, which a new key of either zone is applied to.
alias_element = Table(
    "alias_element",
    metadata,
    Column("token", Uuid, primary_key=True),
    Column("scheme", SmallInteger, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
)

# by subject_id ----------------------------------------------------------------------------------------
# Two subjects that were found to be one person: what is on record of the first goes to the second.
subject_merge = Table(
    "subject_merge",
    metadata,
    Column("gone", Uuid, primary_key=True),
    Column("kept", Uuid, nullable=False),
    Column("found_at", moment_type(), nullable=False),
    Column("done_at", moment_type()),
)
