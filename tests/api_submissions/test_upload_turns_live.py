"""The served API while uploads last: enquirers are answered, and who is refused can read why."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from http_world import until
from live_server import Served, served
from night_tools import ready, spool_folders
from test_submissions_live import half

from huxin.registry.session import forget_engine
from huxin.settings import Settings


@pytest.fixture
def busy(settings: Settings) -> Iterator[Served]:
    """A server on which two uploads of ME are under way."""
    ready(settings)
    with served(settings) as found, ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(half(found, b"x" * 100_000, 10 << 20))
        until(lambda: len(spool_folders(settings)) == 2)
        yield found
    forget_engine(settings)


def head(api: Served, length: int, *more: tuple[str, str]) -> http.client.HTTPConnection:
    """The head of another upload is sent."""
    made = http.client.HTTPConnection("127.0.0.1", api.port, timeout=60)
    made.putrequest("POST", "/v1/submissions")
    kind = ("Content-Type", "multipart/form-data; boundary=XyZ")
    for name, value in (
        ("Authorization", f"Bearer {api.token}"),
        ("Content-Length", str(length)),
        kind,
        *more,
    ):
        made.putheader(name, value)
    made.endheaders()
    return made


def told(connection: http.client.HTTPConnection) -> tuple[int, str, str | None]:
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())["code"], answer.headers["Retry-After"]


REFUSED = (503, "H1145", "10")


def test_who_is_refused_can_read_why(busy: Served) -> None:
    waiting = head(busy, 5 << 20, ("Expect", "100-continue"))
    # Up to the closing, with no 100 before it, which http.client passes over: no body is waited for.
    said = b"".join(iter(lambda: _sock(waiting).recv(65536), b""))
    assert said.startswith(b"HTTP/1.1 503 "), said
    assert b'"H1145"' in said
    small = head(busy, 1000)
    small.send(b"x" * 1000)
    assert told(small) == REFUSED
    large = head(busy, 5 << 20)
    with suppress(OSError):  # cut off after a megabyte; what had been said before can still be read
        large.send(b"x" * (5 << 20))
    assert told(large) == REFUSED


def test_others_are_answered_however_many_send_slowly(busy: Served) -> None:
    """Eight threads; two uploads, and ten more of which nothing comes."""
    with ExitStack() as stack:
        held = [stack.enter_context(_sock(head(busy, 5 << 20))) for _ in range(10)]
        made = http.client.HTTPConnection("127.0.0.1", busy.port, timeout=60)
        for _ in range(5):
            made.request("GET", "/v1/whoami", headers={"Authorization": f"Bearer {busy.token}"})
            answer = made.getresponse()
            assert (answer.status, bool(answer.read())) == (200, True)
        assert len(held) == 10


def _sock(connection: http.client.HTTPConnection) -> socket.socket:
    assert connection.sock is not None
    return connection.sock
