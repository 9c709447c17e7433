"""Keep-alive HTTP clients: one process each, request bytes made beforehand, a raw socket; little work a request."""

from __future__ import annotations

import multiprocessing
import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from time import perf_counter

from enquirybench.figures import Load, joined

_LONGEST = 60.0  # seconds an answer may take
_TURN = 60.0  # seconds the clients may take to get ready
_BLOCK = 1 << 18

# What a client sends: called in the client's own process with its number, gives its requests one after another.
Requests = Callable[[int], Iterable[bytes]]


@dataclass(frozen=True)
class Target:
    """Where to send, and which status lines are good: the first 12 bytes of an answer, as b"HTTP/1.1 200"."""

    port: int
    good: tuple[bytes, ...] = (b"HTTP/1.1 200",)
    host: str = "127.0.0.1"


def load(target: Target, requests: Requests, clients: int, seconds: float, warm: float = 1.0) -> Load:
    """So many clients send requests one after another for so many seconds, after `warm` seconds not counted.

    A client that runs out of requests begins anew with none left: it stops, and its own time counts.
    """
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(clients)
    started = []
    try:
        for number in range(clients):
            mine, theirs = context.Pipe(duplex=False)
            args = (theirs, barrier, target, requests, number, seconds, warm)
            process = context.Process(target=_client, args=args, daemon=True)
            with _undisturbed():
                process.start()
                started.append((process, mine))
            theirs.close()
        return joined([_told(pipe) for _, pipe in started])
    finally:
        for process, _ in started:
            process.kill()  # it may not have got as far as to hear anything else
            process.join()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Holds back Ctrl-C and SIGTERM: what a handler raises while a fork's hooks run is printed and forgotten.

    Not by the thread's mask: a library's thread would take the signal, and its handler still run in this one.
    """
    heard: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {each: signal.signal(each, lambda number, frame: heard.append(number)) for each in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if heard:
        signal.raise_signal(heard[0])


def _told(pipe: Connection) -> Load:
    try:
        told = pipe.recv()
    except EOFError:
        raise SystemExit("a load client ended without a word") from None
    if isinstance(told, Exception):
        raise told
    return told  # type: ignore[no-any-return]  # what _client sends


def _client(
    pipe: Connection,
    barrier: object,
    target: Target,
    requests: Requests,
    number: int,
    seconds: float,
    warm: float,
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the bench ends its clients
    try:
        todo = iter(requests(number))
        with socket.create_connection((target.host, target.port), timeout=_LONGEST) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            barrier.wait(_TURN)  # type: ignore[attr-defined]  # multiprocessing's Barrier has no public type
            if warm:
                _run(sock, target, todo, warm)
            pipe.send(_run(sock, target, todo, seconds))
    except (OSError, ValueError) as error:
        pipe.send(error)


def _run(sock: socket.socket, target: Target, todo: Iterator[bytes], seconds: float) -> Load:
    times: list[float] = []
    failures: Counter[str] = Counter()
    begin = now = perf_counter()
    end = begin + seconds
    for request in todo:
        sock.sendall(request)
        answer = receive(sock)
        before, now = now, perf_counter()
        if answer.startswith(target.good):
            times.append(now - before)
        else:
            failures[told_of(answer)] += 1
        if now >= end:
            break
    return Load(1, now - begin, times, dict(failures))


def receive(sock: socket.socket) -> bytes:
    """One answer, head and body. Raises ValueError when its length is not told, ConnectionError at an end."""
    got = sock.recv(_BLOCK)
    head = got.find(b"\r\n\r\n")
    while head < 0:
        got += _more(sock)
        head = got.find(b"\r\n\r\n")
    whole = head + 4 + _length(got[:head])
    while len(got) < whole:
        got += _more(sock)
    return got


def _more(sock: socket.socket) -> bytes:
    block = sock.recv(_BLOCK)
    if not block:
        raise ConnectionError("the server closed the connection")
    return block


def _length(head: bytes) -> int:
    place = head.find(b"content-length: ")
    if place < 0:
        head = head.lower()
        place = head.find(b"content-length:")
        if place < 0:
            raise ValueError("an answer without content-length")
    begin = head.index(b":", place) + 1
    end = head.find(b"\r", begin)
    return int(head[begin : end if end >= 0 else len(head)])


def told_of(answer: bytes) -> str:
    """Status and problem code of a bad answer, for counting: nothing of what was asked."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head[:12].decode("ascii", "replace")
    place = body.find(b'"code":"')
    code = body[place + 8 : place + 13].decode("ascii", "replace") if place >= 0 else ""
    return f"{status} {code}".strip()
