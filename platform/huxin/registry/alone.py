"""One worker a submission: whoever comes second waits, and then finds the submission in its new state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from huxin.errors import HuxinError
from huxin.registry.connect import locking_session, lost_connection_told
from huxin.settings import Settings

_LOCK = """
    SELECT count(pg_advisory_lock(wanted)) FROM (
        SELECT DISTINCT hashtextextended(id::text, 7) AS wanted FROM unnest(%s::uuid[]) AS id ORDER BY wanted
    ) each
"""


_TRY = "SELECT id FROM unnest(%s::uuid[]) AS id WHERE pg_try_advisory_lock(hashtextextended(id::text, 7))"


@contextmanager
def alone(settings: Settings, ids: Sequence[UUID]) -> Iterator[None]:
    """Holds these submissions for this step. The locks are a session's: they end with its process, however it ends."""
    if not ids:
        yield
        return
    with locking_session(settings) as session:
        with lost_connection_told():
            session.execute(_LOCK, [list(ids)])
        yield


@contextmanager
def at_once(settings: Settings, ids: Sequence[UUID]) -> Iterator[None]:
    """Holds these submissions as `alone`, without waiting. HuxinError H1407 when a worker has one of them."""
    with unattended(settings, ids) as free:
        if set(free) != set(ids):
            raise HuxinError("H1407", retry_s=5)
        yield


@contextmanager
def unattended(settings: Settings, ids: Sequence[UUID]) -> Iterator[list[UUID]]:
    """Those of these submissions that no worker holds, held here until the block ends."""
    if not ids:
        yield []
        return
    with locking_session(settings) as session:
        with lost_connection_told():
            free = [row[0] for row in session.execute(_TRY, [list(ids)])]
        yield free
