"""Room between a client that encodes and a server that stores, so that both work at once.

The driver encodes tens of megabytes and then sends them. A UNIX socket holds some 200 KiB, so the client waits while
the server reads, and the server waits while the client encodes. A pump in this process stands between them and holds
what was sent. It listens in Linux's abstract namespace, so no file can be left behind, and serves this process alone.
"""

from __future__ import annotations

import os
import secrets
import socket
import struct
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Condition, Thread

from psycopg import conninfo

_BLOCK = 1 << 20
_MOST = 96 << 20  # bytes held at the most
_PEER = struct.Struct("3i")  # pid, uid, gid


@contextmanager
def pumped(uri: str) -> Iterator[str]:
    """libpq's address of the same server with a pump before it; `uri` itself where the server is not on a socket."""
    place = conninfo.conninfo_to_dict(uri)
    host, port = str(place.get("host", "")), str(place.get("port") or "5432")
    if not host.startswith("/") or not sys.platform.startswith("linux"):
        yield uri
        return
    name = f"huxin-{secrets.token_hex(16)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(f"\0{name}/.s.PGSQL.{port}")
        listener.listen()
        Thread(target=_serve, args=(listener, f"{host}/.s.PGSQL.{port}"), daemon=True).start()
        try:
            yield conninfo.make_conninfo(uri, host=f"@{name}")
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the accepting thread


class _Held:
    """Blocks on their way, up to _MOST bytes; an empty one is the end."""

    def __init__(self) -> None:
        self._blocks: deque[bytes] = deque()
        self._bytes = 0
        self._changed = Condition()
        self._broken = False

    def put(self, block: bytes) -> bool:
        """Waits for room; False when nobody takes blocks any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._broken or self._bytes < _MOST)
            self._blocks.append(block)
            self._bytes += len(block)
            self._changed.notify_all()
            return not self._broken

    def get(self) -> bytes:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._blocks))
            block = self._blocks.popleft()
            self._bytes -= len(block)
            self._changed.notify_all()
            return block

    def break_off(self) -> None:
        with self._changed:
            self._broken = True
            self._changed.notify_all()


def _serve(listener: socket.socket, target: str) -> None:
    """Takes connections of this process (a second one is a cancel request) until the listener is shut."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        peer = _PEER.unpack(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if peer[0] != os.getpid():
                raise PermissionError
            server.connect(target)
        except OSError:
            client.close()
            server.close()
            continue
        for work, ends in ((_up, (client, server)), (_down, (server, client))):
            Thread(target=work, args=ends, daemon=True).start()


def _up(client: socket.socket, server: socket.socket) -> None:
    """What the client sends is taken as fast as it comes, and passed on as fast as the server takes it."""
    held = _Held()
    sender = Thread(target=_send, args=(held, server, client), daemon=True)
    sender.start()
    with suppress(OSError):
        while (block := client.recv(_BLOCK)) and held.put(block):
            pass
    held.put(b"")
    sender.join()


def _send(held: _Held, server: socket.socket, client: socket.socket) -> None:
    try:
        while block := held.get():
            server.sendall(block)
        server.shutdown(socket.SHUT_WR)
    except OSError:
        held.break_off()
        _shut(client)


def _down(server: socket.socket, client: socket.socket) -> None:
    """What the server sends goes straight to the client; when the server has ended, so has the connection."""
    with suppress(OSError):
        while block := server.recv(_BLOCK):
            client.sendall(block)
    _shut(client)
    _shut(server)
    client.close()
    server.close()


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
