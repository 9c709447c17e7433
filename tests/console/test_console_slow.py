"""Senders who dawdle are told so and cut off, whether they have signed in or not, and others are served meanwhile."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO

import httpx
import pytest
from browsing import console_served
from console_world import Console

from huxin.console.bodies import Timed
from huxin.console.config import Config
from huxin.errors import HuxinError
from huxin.slow import Reads


@pytest.fixture
def address(console: Console, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    # So long that threads which begin to read a second apart are still told the same.
    monkeypatch.setenv("HUXIN_BODY_SECONDS", "4.5")
    with console_served(console.settings) as made:
        yield made


def test_slow_senders_are_cut_with_a_clear_word_and_others_served(address: str) -> None:
    with httpx.Client(base_url=address, timeout=60) as fast, ExitStack() as stack:
        page = fast.get("/sign-in")
        token = re.search(r'name="csrf" content="(\w+)"', page.text)
        assert token
        cookie = f"huxin={fast.cookies['huxin']}"
        # Nearly all threads that the server has; each announces more than it sends.
        slow = [stack.enter_context(sending(address, cookie, token[1])) for _ in range(3)]
        assert httpx.get(f"{address}/healthz", timeout=60).status_code == 200
        for each in slow:
            told = b"".join(iter(lambda link=each: link.recv(65536), b""))  # type: ignore[misc]
            assert told.startswith(b"HTTP/1.1 408 "), told[:200]
            assert "请求体没有在 4.5 秒内传完" in told.decode()
    assert httpx.get(f"{address}/sign-in", timeout=60).status_code == 200


def sending(address: str, cookie: str, token: str) -> socket.socket:
    """A connection on which a form has begun and does not go on."""
    host, _, port = address.removeprefix("http://").partition(":")
    link = socket.create_connection((host, int(port)), timeout=120)
    head = (
        f"POST /sign-in HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {cookie}\r\nHX-Request: true\r\n"
        "Accept-Language: zh\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 500\r\n\r\n"
    )
    link.sendall(f"{head}csrf={token}&login=a".encode())
    return link


def test_all_blocks_together_have_a_time_too() -> None:
    body = timed(bytes(300_000), 300_000)
    assert len(body.read(100_000)) == 64 << 10
    assert len(body.read()) == 300_000 - (64 << 10)
    assert body.taken == 300_000
    over = timed(b"abc", 3, body_seconds=-1.0)
    with pytest.raises(HuxinError, match="H1122"):
        over.read(1)
    assert over.late


def test_a_body_that_ends_before_its_length_is_no_form(console: Console) -> None:
    """Half a form is not carried out, whoever broke it off."""
    short = timed(b"csrf=1", 10)
    assert short.read(6) == b"csrf=1"
    with pytest.raises(HuxinError, match="H1126"):
        short.read(4)
    assert timed(b"ab", 0).read() == b"ab"
    who = console.stranger()
    sent = {"CONTENT_LENGTH": "500", "CONTENT_TYPE": "application/x-www-form-urlencoded"}
    form = f"csrf={who.csrf()}&login=a&password=b&code=c".encode()
    answer = who.client.post("/sign-in", input_stream=BytesIO(form), environ_overrides=sent)
    assert answer.status_code == 400
    assert "H1126" in answer.text


def timed(content: bytes, length: int, **limits: float) -> Timed:
    return Timed(BytesIO(content), length, Reads(5), "127.0.0.1", Config(**limits))  # type: ignore[arg-type]


def test_a_refusal_is_heard_although_the_body_is_still_being_sent(address: str) -> None:
    """A part of four megabytes from somebody whose session has ended: told, not broken off."""
    answer = httpx.post(f"{address}/my/uploads", content=bytes(4 << 20), timeout=60)
    assert answer.status_code == 303
    assert "/sign-in" in answer.headers["Location"]
