"""The sequencer: one process that takes what was committed to the outbox, numbers it, and signs the tree's head.

Rows leave the outbox in the very transaction that writes their leaves, nodes and checkpoint: killed anywhere,
nothing is lost and nothing stands twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID

import orjson
import psycopg

from huxin.audit.merkle import Node, append, root_of
from huxin.audit.notes import ZONE, LogKeys, checkpoint_note, log_keys
from huxin.audit.records import entry_of
from huxin.errors import HuxinError
from huxin.faults import reach
from huxin.registry import directory, guard_feed
from huxin.registry.audit_rows import COPY_LEAVES, COPY_NODES, copy_rows, leaf_row, node_row
from huxin.registry.audit_tree import load_peaks
from huxin.registry.connect import locking_session, lost_connection_told
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.merkle import EMPTY_ROOT, leaf_hash
from huxin_privacy.receipts import leaf_data

BATCH = 4_000
IDLE_S = 0.25
LOST_S = 1.0
TURN_S = 3  # the server may need a moment to notice that the one before was killed
# While a long load keeps the server from clearing what was deleted, a walk through the whole outbox passes every
# row of that time again. So most looks begin a little before the last row taken, and a whole walk comes in between:
# for what was committed late, and for ids that are not in the order of time.
SWEEP_S = 5.0
_MARGIN = 10_000 << 80  # ten seconds of a UUIDv7
# Any fixed number serves; this one spells "huxlog" in ASCII.
_TURN = 0x6875786C6F67
_NO_ID = UUID(int=0)

# The feed of an enquiry goes to the tables of mobile numbers, to the guard and to the directory, and no further. An
# application's own leaf needs no look at the rest of the body; every other row is handed over whole.
_TAKE = f"""
    WITH taken AS (
        DELETE FROM outbox WHERE id = ANY (ARRAY(SELECT id FROM outbox WHERE id >= %s ORDER BY id LIMIT %s))
        RETURNING id, topic, body, body -> 'feed' AS feed, recorded_at),
    asked AS (
        INSERT INTO mobile_enquiry (mobile_id, id, member_id, subject_id, purpose, asked_at)
        SELECT (feed ->> 'mobile_id')::uuid, (feed ->> 'enquiry_id')::uuid, (feed ->> 'member_id')::integer,
            (feed ->> 'subject_id')::uuid, feed ->> 'purpose', (feed ->> 'asked_at')::timestamptz
        FROM taken WHERE feed ->> 'mobile_id' IS NOT NULL ON CONFLICT DO NOTHING),
    met AS (
        INSERT INTO mobile_subject (mobile_id, subject_id, met_at)
        SELECT (feed ->> 'mobile_id')::uuid, (feed ->> 'subject_id')::uuid, min((feed ->> 'asked_at')::timestamptz)
        FROM taken WHERE feed ->> 'mobile_id' IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2 ON CONFLICT DO NOTHING),
    {guard_feed.PARTS.strip()},
    {directory.PART.strip()},
    whole AS (
        SELECT *, feed IS NULL OR body #>> '{{leaf,record}}' IS NULL
            OR coalesce(body #>> '{{leaf,salt}}' !~ '^[0-9a-f]{{32}}$', true) AS odd FROM taken)
    SELECT uuid_send(id), topic, timestamptz_send(recorded_at), CASE WHEN odd THEN recorded_at END,
        CASE WHEN odd THEN body::text END, uuid_send((feed ->> 'enquiry_id')::uuid), (feed ->> 'member_id')::integer,
        body #>> '{{leaf,salt}}', body #>> '{{leaf,record}}'
    FROM whole ORDER BY recorded_at, id
"""
_LATEST = "SELECT size, root FROM audit_checkpoint ORDER BY size DESC LIMIT 1"
_SIGNED = "INSERT INTO audit_checkpoint (size, root, note, signed_at) VALUES (%s, %s, %s, %s)"


@dataclass
class Sequencer:
    """The one that numbers: its connection, which holds the turn, and the right edge of the tree as committed."""

    connection: psycopg.Connection[Any]
    keys: LogKeys
    now: Callable[[], datetime]
    size: int = 0
    peaks: list[bytes] = field(default_factory=list)
    floor: UUID = _NO_ID
    swept: float = -SWEEP_S

    def step(self, limit: int = BATCH, *, sweep: bool = False) -> int:
        """Appends up to `limit` outbox rows and signs the new head; returns how many. HuxinError H1312, H0502.

        With `sweep` 0 means that nothing is left; without, that nothing new was seen.
        """
        with lost_connection_told(), self.connection.transaction():
            self._stand_at_the_head()
            rows = self.connection.execute(_TAKE, (self._start(sweep), limit), binary=True).fetchall()
            if not rows:
                return 0
            reach("audit.taken")
            peaks = self._append(rows)
            reach("audit.appended")
            size, root = self.size + len(rows), root_of(peaks)
            note = checkpoint_note(self.keys.checkpoint, size, root)
            self.connection.execute(_SIGNED, (size, root, note, self.now()))
            reach("audit.signed")
        self.size, self.peaks = size, peaks
        self.floor = UUID(int=max(0, int.from_bytes(min(row[0] for row in rows), "big") - _MARGIN))
        reach("audit.committed")
        return len(rows)

    def _start(self, sweep: bool) -> UUID:
        """The id from which the outbox is looked through."""
        if not sweep and monotonic() - self.swept < SWEEP_S:
            return self.floor
        self.swept = monotonic()
        return _NO_ID

    def _stand_at_the_head(self) -> None:
        """Loads the edge when the log is not where this process left it, as at the start or after a lost commit."""
        size, root = self.connection.execute(_LATEST, binary=True).fetchone() or (0, EMPTY_ROOT)
        if size != self.size or root_of(self.peaks) != root:
            self.size, self.peaks = size, load_peaks(self.connection, size)
        if root_of(self.peaks) != root:
            raise HuxinError("H1312", size=size)

    def _append(self, rows: list[tuple[Any, ...]]) -> list[bytes]:
        peaks, nodes, leaves = list(self.peaks), list[Node](), list[bytes]()
        for number, row in enumerate(rows, self.size):
            outbox_id, topic, sent_at, record_id, member_id, salt, record = _unpacked(row)
            data = leaf_data(salt, record)
            append(peaks, number, leaf_hash(data), nodes)
            leaves.append(
                leaf_row(number, outbox_id, record_id, member_id, topic, sent_at, data, salt, record)
            )
        copy_rows(self.connection, COPY_LEAVES, leaves)
        if nodes:
            copy_rows(self.connection, COPY_NODES, map(node_row, nodes))
        return peaks


@contextmanager
def sequencer(settings: Settings) -> Iterator[Sequencer]:
    """Takes the turn until the block ends. HuxinError H1301 when another holds it; keyring errors P01xx."""
    keys = log_keys(keyring.open(settings.keys_dir, ZONE))
    with locking_session(settings) as connection:
        with lost_connection_told():
            _take_turn(connection)
        yield Sequencer(connection, keys, settings.now)


def _take_turn(connection: psycopg.Connection[Any]) -> None:
    try:
        connection.execute(f"SET lock_timeout = '{TURN_S}s'")
        connection.execute("SELECT pg_advisory_lock(%s)", [_TURN])
        connection.execute("SET lock_timeout = 0")
    except psycopg.errors.LockNotAvailable:
        raise HuxinError("H1301") from None


def drain(settings: Settings, limit: int = BATCH) -> int:
    """Sequences what stands in the outbox now, and returns how many rows that was."""
    total = 0
    with sequencer(settings) as made:
        while count := made.step(limit, sweep=True):
            total += count
    return total


def _unpacked(row: tuple[Any, ...]) -> tuple[bytes, bytes, bytes, bytes, int | None, bytes, bytes]:
    outbox_id, topic, sent_at, at, body, enquiry_id, member_id, salt, record = row
    if body is not None:
        entry = entry_of(UUID(bytes=outbox_id), topic, at, orjson.loads(body))
        plain = entry.record_id.bytes, entry.member_id, entry.salt, entry.record.encode()
    else:
        plain = enquiry_id or outbox_id, member_id, bytes.fromhex(salt), record.encode()
    return outbox_id, topic.encode(), sent_at, *plain
