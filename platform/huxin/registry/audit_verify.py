"""Checking the whole stored log: every leaf, node and checkpoint against each other, and an earlier checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg

from huxin.audit.merkle import STORED_FROM, Node, append, root_of
from huxin.audit.notes import ZONE, log_keys
from huxin.errors import HuxinError
from huxin.registry.audit_columns import Columns, check_columns
from huxin.registry.connect import connect, libpq_uri, lost_connection_told
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.merkle import EMPTY_ROOT, leaf_hash
from huxin_privacy.notes import VerifierKey, open_checkpoint
from huxin_privacy.receipts import leaf_data

# A power of two not below 2^STORED_FROM: a portion's nodes are then those that lie within it.
PORTION = 1 << 14

_LEAVES = """
    SELECT data, salt, record, number, topic, outbox_id::text, record_id::text, member_id FROM audit_leaf
    WHERE number >= %s AND number < %s ORDER BY number
"""
_NODES = """
    SELECT n.level, n.index, n.hash FROM generate_series(%s::integer, 62) AS l (level)
    JOIN audit_node n ON n.level = l.level AND n.index >= %s::bigint >> l.level AND n.index < %s::bigint >> l.level
"""
_BEYOND = """
    SELECT n.level, n.index FROM generate_series(%s::integer, 62) AS l (level)
    JOIN audit_node n ON n.level = l.level AND n.index >= %s::bigint >> l.level
    UNION ALL SELECT n.level, n.index FROM audit_node n WHERE n.level < %s OR n.level > 62 LIMIT 1
"""
_HEADS = "SELECT size, root, note FROM audit_checkpoint WHERE size > %s AND size <= %s ORDER BY size"
# An act that was committed with its erasure and is not numbered yet.
_WAITING = "SELECT body FROM outbox WHERE topic = 'record.erased'"
_MEMBERS = "SELECT code, id FROM member"
_MOST = """
    SELECT greatest((SELECT max(number) + 1 FROM audit_leaf), (SELECT max(size) FROM audit_checkpoint), 0)
"""


# What is noted of a leaf that was wiped; an act of erasure that names it may stand anywhere in the log.
_WIPED, _NAMED, _HALF = 1, 2, 4
_UNEXPLAINED = bytes(1 if mark in (_WIPED, _HALF, _HALF | _NAMED) else 0 for mark in range(256))
_ACT = '"topic":"record.erased"'
_LISTED = 20


@dataclass
class Verified:
    """What was checked: leaves, erased ones among them, checkpoints, size of the newest, root over all leaves."""

    size: int = 0
    erased: int = 0
    checkpoints: int = 0
    signed: int = 0
    root: bytes = EMPTY_ROOT
    peaks: list[bytes] = field(default_factory=list, repr=False)
    marks: bytearray = field(default_factory=bytearray, repr=False)  # one byte a leaf, whatever was erased
    members: dict[str, int] = field(default_factory=dict, repr=False)  # ids by code


def verify_log(settings: Settings, since: Sequence[str] = ()) -> Verified:
    """Reads the whole log as of now and checks it; `since` are signed checkpoints from earlier days.

    Raises HuxinError H1304 (record or salt altered), H1305 (a leaf is missing), H1306 (node), H1307 (checkpoint),
    H1308 (not what an earlier checkpoint said), H1313 (wiped without an act of erasure), H1314 and
    H1315 (kept under another topic, number or member), PrivacyError P0141-P0143 (a signature or its form).
    """
    keys = log_keys(keyring.open(settings.keys_dir, ZONE)).verifiers
    earlier = [open_checkpoint(note, keys) for note in since]
    done = Verified()
    with _snapshot(settings) as connection:
        end = _one(connection, _MOST)
        done.marks = bytearray(end)
        done.members = dict(connection.execute(_MEMBERS).fetchall())
        for head in earlier:
            if head.size > end or (head.size == 0 and head.root != EMPTY_ROOT):
                raise HuxinError("H1308", size=head.size)
        for start in range(0, end, PORTION):
            wanted = {head.size: head.root for head in earlier}
            _portion(connection, start, min(start + PORTION, end), done, keys, wanted)
        for (body,) in connection.execute(_WAITING):
            _note_named(done.marks, body)
        beyond = connection.execute(_BEYOND, (STORED_FROM, end, STORED_FROM)).fetchone()
    if beyond:  # it would stand in the way of the true one
        raise HuxinError("H1306", level=beyond[0], index=beyond[1])
    if done.size != done.signed:  # what stands behind the newest head was never signed
        raise HuxinError("H1307", size=done.size)
    _check_erased(done.marks)
    return done


def _portion(
    connection: psycopg.Connection[Any],
    start: int,
    end: int,
    done: Verified,
    keys: Sequence[VerifierKey],
    earlier: dict[int, bytes],
) -> None:
    heads = {size: (root, note) for size, root, note in connection.execute(_HEADS, (start, end), binary=True)}
    made: list[Node] = []
    for number, data in _leaves(connection, start, end, done):
        append(done.peaks, number, leaf_hash(data), made)
        done.size = number + 1
        if done.size in heads:
            _check_head(done, *heads[done.size], keys)
        if done.size in earlier and root_of(done.peaks) != earlier[done.size]:
            raise HuxinError("H1308", size=done.size)
    if done.size != end:
        raise HuxinError("H1305", number=done.size)
    done.root = root_of(done.peaks)
    _check_nodes(connection, start, end, made)


def _leaves(
    connection: psycopg.Connection[Any], start: int, end: int, done: Verified
) -> Iterator[tuple[int, bytes]]:
    rows = connection.execute(_LEAVES, (start, end), binary=True).fetchall()
    for expected, (data, salt, record, *beside) in enumerate(rows, start):
        leaf = Columns(*beside)
        number = leaf.number
        if number != expected:
            raise HuxinError("H1305", number=expected)
        if salt is None or record is None:
            done.erased += 1
            done.marks[number] |= _WIPED if salt is record else _HALF
        elif leaf_data(bytes(salt), record.encode()) != data:
            raise HuxinError("H1304", number=number)
        else:
            check_columns(leaf, record, done.members)
            if _ACT in record:
                _note_act(done.marks, record)
        yield number, data


def _note_act(marks: bytearray, record: str) -> None:
    said = orjson.loads(record)
    if said.get("topic") == "record.erased":
        _note_named(marks, said)


def _note_named(marks: bytearray, act: Mapping[str, Any]) -> None:
    """Notes the leaves that an act of erasure names, itself or for an act that it erased."""
    for number in (act.get("number"), *act.get("also", ())):
        if isinstance(number, int) and 0 <= number < len(marks):
            marks[number] |= _NAMED


def _check_erased(marks: bytearray) -> None:
    """HuxinError H1313 where a leaf is wiped and no act says so, or is wiped by half."""
    wrong = marks.translate(_UNEXPLAINED)
    if not (count := wrong.count(1)):
        return
    found, numbers = -1, list[str]()
    while len(numbers) < _LISTED and (found := wrong.find(1, found + 1)) >= 0:
        numbers.append(str(found))
    told = ", ".join(numbers) + (", …" if count > _LISTED else "")
    raise HuxinError("H1313", count=count, numbers=told)


def _check_head(done: Verified, root: bytes, note: str, keys: Sequence[VerifierKey]) -> None:
    signed = open_checkpoint(note, keys)
    if (signed.size, signed.root, root) != (done.size, root, root_of(done.peaks)):
        raise HuxinError("H1307", size=done.size)
    done.checkpoints += 1
    done.signed = done.size


def _check_nodes(connection: psycopg.Connection[Any], start: int, end: int, made: Sequence[Node]) -> None:
    """The nodes that the portion completes: those stored are those made, and none beside them."""
    stored = {
        (level, index): top
        for level, index, top in connection.execute(_NODES, (STORED_FROM, start, end), binary=True)
    }
    wanted = {(level, index): top for level, index, top in made}
    for level, index in sorted(stored.keys() | wanted.keys()):
        if stored.get((level, index)) != wanted.get((level, index)):
            raise HuxinError("H1306", level=level, index=index)


@contextmanager
def _snapshot(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """One read-only transaction, so that the sequencer may go on meanwhile."""
    connection = connect(libpq_uri(settings))
    try:
        with lost_connection_told():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield connection
    finally:
        connection.close()


def _one(connection: psycopg.Connection[Any], statement: str) -> int:
    row = connection.execute(statement).fetchone()
    return int(row[0]) if row else 0
