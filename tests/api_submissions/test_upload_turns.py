"""Uploads that last: only so many are taken at once, of one member half of these, and the rest is refused unread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from http_world import ME, OTHER, World, code_of, until
from werkzeug.test import TestResponse

from huxin.api.shell import NAME

SEND, CHECK = "/v1/submissions", "/v1/submissions/check"
BEGUN = b'--XyZ\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nx'


class Slow:
    """A body whose first block comes at once, and whose end when it is let go: then it breaks off."""

    def __init__(self, go: threading.Event) -> None:
        self._go, self.reads = go, 0

    def read(self, _size: int = -1) -> bytes:
        self.reads += 1
        if self.reads == 1:
            return BEGUN
        self._go.wait(120)
        return b""


def sent_slowly(stream: Slow) -> dict[str, Any]:
    kind = "multipart/form-data; boundary=XyZ"
    return {"wsgi.input": stream, "CONTENT_LENGTH": str(1 << 20), "CONTENT_TYPE": kind}


def slow(world: World, go: threading.Event, who: str, path: str = SEND) -> tuple[TestResponse, int]:
    """What came of it, and how often its body was read."""
    stream = Slow(go)
    told = world.call("POST", path, who, environ_overrides=sent_slowly(stream))
    return told, stream.reads


@contextmanager
def under_way(world: World, *senders: tuple[str, str]) -> Iterator[list[Future[Any]]]:
    """These uploads, until the block ends; then they break off."""
    go = threading.Event()
    uploads = world.app.extensions[NAME].uploads
    with ThreadPoolExecutor(8) as pool:
        try:
            found = [pool.submit(slow, world, go, who, path) for who, path in senders]
            until(lambda: uploads._under_way.total() == len(senders))
            yield found
        finally:
            go.set()


def gone(*, refused: TestResponse) -> None:
    assert (refused.status_code, code_of(refused)) == (503, "H1145")
    assert refused.headers["Retry-After"] == "10"
    assert refused.json["facts"] == {"retry_s": 10}


@pytest.fixture
def ended() -> Iterator[threading.Event]:
    """Of a body that ends at once."""
    made = threading.Event()
    made.set()
    yield made


@pytest.mark.parametrize("path", [SEND, CHECK])
def test_a_fifth_is_refused_unread_and_others_are_answered(
    world: World, ended: threading.Event, path: str
) -> None:
    with under_way(world, (ME, SEND), (ME, SEND), (OTHER, SEND), (OTHER, SEND)) as found:
        told, _ = slow(world, ended, ME, path)
        gone(refused=told)
        assert world.get("/v1/whoami").status_code == 200
        assert world.get(SEND, OTHER).status_code == 200
    # Each of them broke off, and its turn is free again.
    assert [code_of(each.result()[0]) for each in found] == ["H1402"] * 4
    assert world.post(world.written()).status_code == 201


def test_one_members_third_is_refused_and_anothers_first_taken(world: World, ended: threading.Event) -> None:
    with under_way(world, (ME, SEND), (ME, SEND)):
        gone(refused=slow(world, ended, ME)[0])
        assert world.post(world.written(member=OTHER), OTHER).status_code == 201
    assert world.post(world.written()).status_code == 201


def test_who_waits_to_be_told_is_not_asked_for_its_body(world: World, ended: threading.Event) -> None:
    stream = Slow(ended)
    with under_way(world, (ME, SEND), (ME, SEND)):
        told = world.call(
            "POST", SEND, environ_overrides=sent_slowly(stream), headers={"Expect": "100-continue"}
        )
        gone(refused=told)
    assert (stream.reads, told.headers["Connection"]) == (0, "close")


def test_refusing_does_not_hold_every_thread(world: World) -> None:
    """A refused body is read to be dropped, but no more than two at once; the next is left where it is."""
    go = threading.Event()
    refusals = world.app.extensions[NAME].refusals
    with ThreadPoolExecutor(2) as pool:
        held = []
        try:
            for count in (1, 2):
                held.append(pool.submit(nobody, world, go))
                until(lambda count=count: refusals._under_way.total() == count)
            told, reads = nobody(world, go)
        finally:
            go.set()
        assert (told.status_code, told.headers["Connection"], reads) == (401, "close", 0)
        for each in held:
            first, count = each.result()
            assert (first.status_code, "Connection" in first.headers, count) == (401, False, 1)


class Late(Slow):
    """A body of which nothing comes before it is let go."""

    def read(self, _size: int = -1) -> bytes:
        self.reads += 1
        self._go.wait(120)
        return b""


def nobody(world: World, go: threading.Event) -> tuple[TestResponse, int]:
    """Without a token."""
    stream = Late(go)
    told = world.call("POST", SEND, None, environ_overrides=sent_slowly(stream))
    return told, stream.reads
