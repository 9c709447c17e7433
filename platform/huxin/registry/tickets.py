"""Spent tickets are remembered as long as they could be shown again, and no longer."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from huxin.registry.tables_tickets import ticket_spent

_LONGER = timedelta(hours=1)  # for clocks that do not agree


def forget_spent(connection: Connection, now: datetime) -> int:
    """Drops the tickets that have expired; how many."""
    gone = ticket_spent.delete().where(ticket_spent.c.expires_at < now - _LONGER)
    return connection.execute(gone).rowcount
