"""The table of spent tickets (see tables.py): by subject, in whose group an enquiry's own transaction is."""

from __future__ import annotations

from sqlalchemy import Column, Table, Uuid

from huxin.registry.tables import metadata, moment_type

ticket_spent = Table(
    "ticket_spent",
    metadata,
    Column("subject_id", Uuid, primary_key=True),
    Column("nonce", Uuid, primary_key=True),
    Column("expires_at", moment_type(), nullable=False),
)
