"""Ends the reading of a body that does not come: a slow sender would hold one of the few threads as long as it likes.

WSGI gives a view no socket and no deadline, and handing every read to another thread costs more than a whole request.
So a read only leaves a note of when it began. One watching thread a process looks at the notes each second; for one
that is overdue it shuts the receiving side of that sender's connection, the read comes back short, and the view can
still answer (H1122). A connection is known by what the kernel says of it (TCP_INFO, Linux): we have sent nothing on it
for the whole time, and nothing since something came. The kernel's clock has ticks of some milliseconds, so another that
has been idle since a quick answer looks the same: it is closed too, which its sender has to expect of any idle one.
Where the kernel says nothing, the limit is the proxy's in front.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huxin.errors import HuxinError

_OPEN = Path("/proc/self/fd")
_EVERY = 1.0
_SAMPLES, _BETWEEN = 3, 0.1
# Somebody who sends more than this between two samples is not slow, but busy with a file.
_BUSY = 1024
# struct tcp_info of linux/tcp.h: 8 bytes of flags, 32-bit words, then counters of 64 bits.
_LAST_SENT, _LAST_RECEIVED, _RECEIVED, _SIZE = 44, 52, 128, 136


@dataclass
class _Note:
    """One read: when it began (time.monotonic()), who sends, and whether it was ended by us."""

    begun: float
    sender: str
    ended: bool = False


class Reads:
    """The reads under way in this process, by thread."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._notes: dict[int, _Note] = {}
        self._watcher: threading.Thread | None = None
        self._start = threading.Lock()

    def read(self, stream: Any, size: int, sender: str) -> bytes:
        """Up to `size` bytes of a body, fewer where it ends before. HuxinError H1122 when it took too long."""
        if self._watcher is None:
            self._watch()
        note = self._notes[threading.get_ident()] = _Note(time.monotonic(), sender)
        try:
            content = bytes(stream.read(size))
        finally:
            del self._notes[threading.get_ident()]
        if note.ended:
            raise HuxinError("H1122", seconds=self._seconds)
        return content

    def _watch(self) -> None:
        with self._start:
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._run, name="slow-bodies", daemon=True)
                self._watcher.start()

    def _run(self) -> None:
        while True:
            time.sleep(_EVERY)
            for note in list(self._notes.values()):
                if time.monotonic() - note.begun > self._seconds:
                    note.ended = True
                    end_waiting(note.sender, self._seconds)


def end_waiting(sender: str, seconds: float) -> int:
    """Shuts the receiving side of a sender's connections on which a request has waited that long; how many."""
    with contextlib.ExitStack() as stack:
        waiting = dict.fromkeys(_connections(sender, stack), 0)
        for sample in range(_SAMPLES):
            if sample:
                time.sleep(_BETWEEN)
            waiting = {
                each: got for each, before in waiting.items() if (got := _waits(each, seconds, before))
            }
        for each in waiting:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RD)
        return len(waiting)


def _connections(sender: str, stack: contextlib.ExitStack) -> Iterator[socket.socket]:
    """This process's own TCP connections with `sender`, as copies that the stack closes."""
    for link in _OPEN.iterdir() if _OPEN.is_dir() else ():
        with contextlib.suppress(OSError):
            if not str(link.readlink()).startswith("socket:"):
                continue
            copy = stack.enter_context(socket.socket(fileno=os.dup(int(link.name))))
            if copy.family in (socket.AF_INET, socket.AF_INET6) and _address(copy) == sender:
                yield copy


def _address(connection: socket.socket) -> str:
    return str(connection.getpeername()[0])


def _waits(connection: socket.socket, seconds: float, before: int) -> int:
    """Bytes received so far, of a request that waits; 0 where none does."""
    try:
        told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    except OSError:
        return 0
    if len(told) < _SIZE:
        return 0
    (sent_ms,) = struct.unpack_from("=I", told, _LAST_SENT)
    (received_ms,) = struct.unpack_from("=I", told, _LAST_RECEIVED)
    (received,) = struct.unpack_from("=Q", told, _RECEIVED)
    waits = sent_ms >= seconds * 1000 and received_ms <= sent_ms
    return int(received) if waits and (not before or received - before < _BUSY) else 0
