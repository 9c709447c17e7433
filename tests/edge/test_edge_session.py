"""What the session does with each kind of reply, against a small server that replies as it is told."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from edge_world import question

from huxin_edge import Huxin
from huxin_edge.session import Retry, Session
from huxin_edge.transport import Body, Transport, Unreachable
from huxin_privacy.client import Identity
from huxin_privacy.enquiry_digest import digest_of_body
from huxin_privacy.errors import PrivacyError

TOKEN = (200, {}, {"access_token": "t", "expires_in": 300})
OK: tuple[int, dict[str, str], Any] = (200, {}, {"fine": True})
Told = tuple[int, dict[str, str], Any]


@dataclass
class Stand:
    """A server that gives these replies, one a request, and notes what it was sent; None cuts the line."""

    replies: list[Told | None] = field(default_factory=list)
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    told: list[tuple[float, str]] = field(default_factory=list)
    port: int = 0
    clock: float = 0.0

    def session(self, patience_s: float = 100.0, busy_s: float = 0.0) -> Session:
        secret = Ed25519PrivateKey.generate()
        return Session(
            Transport(f"http://127.0.0.1:{self.port}", timeout_s=90),
            Identity("M0001", "key", secret),
            Retry(patience_s, busy_s=busy_s),
            "en",
            waiting=lambda seconds, why: self.told.append((seconds, why)),
            clock=lambda: self.clock,
            sleep=self.sleep,
        )

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock += seconds

    @property
    def calls(self) -> list[tuple[str, str, dict[str, str], bytes]]:
        return [each for each in self.seen if each[1] != "/oauth/token"]


@pytest.fixture
def stand() -> Iterator[Stand]:
    made = Stand()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            made.seen.append((self.command, self.path, dict(self.headers), body))
            told = made.replies.pop(0)
            if told is None:
                self.connection.close()
                return
            status, headers, content = told
            raw = json.dumps(content).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()


def problem(status: int, code: str, **headers: str) -> Told:
    return (
        status,
        {name.replace("_", "-"): value for name, value in headers.items()},
        {"code": code, "detail": "x"},
    )


def fault(stand: Stand, **more: Any) -> PrivacyError:
    with pytest.raises(PrivacyError) as caught:
        stand.session(**more).call("POST", "/v1/enquiries", {"a": 1}, key="key-12345")
    return caught.value


@pytest.mark.parametrize(
    "first",
    [
        None,
        problem(503, "H1101"),
        problem(500, "H1125"),
        problem(502, "?"),
        (504, {}, "no problem"),
        problem(409, "H1203"),
    ],
)
def test_what_may_pass_is_tried_again_under_the_same_key(stand: Stand, first: Told | None) -> None:
    stand.replies = [TOKEN, first, OK]
    assert stand.session().call("POST", "/v1/enquiries", {"a": 1}, key="key-12345").json() == {"fine": True}
    assert [(each[2]["Idempotency-Key"], each[3]) for each in stand.calls] == [("key-12345", b'{"a": 1}')] * 2
    assert len(stand.slept) == 1


def test_it_waits_as_long_as_it_is_told(stand: Stand) -> None:
    stand.replies = [
        TOKEN,
        problem(503, "H1101", Retry_After="7"),
        problem(429, "H1123", Retry_After="2"),
        OK,
    ]
    stand.session().call("POST", "/v1/enquiries", {}, key="key-12345")
    assert stand.slept == [7.0, 2.0]


def test_waits_grow_up_to_a_limit(stand: Stand) -> None:
    stand.replies = [TOKEN, *[problem(503, "H1101")] * 9, OK]
    stand.session().call("POST", "/v1/enquiries", {}, key="key-12345")
    assert all(0.1 * 2**n <= each <= 0.2 * 2**n for n, each in enumerate(stand.slept[:5]))
    assert all(2.5 <= each <= 5.0 for each in stand.slept[5:])


def test_a_wait_beyond_its_patience_is_not_begun(stand: Stand) -> None:
    stand.replies = [TOKEN, problem(429, "H1123", Retry_After="3600")]
    told = fault(stand)
    assert (told.code, told.facts["refusal"], stand.slept) == ("P0182", "H1123", [])


def test_out_of_order_is_not_refused(stand: Stand) -> None:
    stand.replies = [TOKEN, problem(503, "H1101", Retry_After="60")]
    told = fault(stand, patience_s=10.0)
    assert (told.code, told.facts["why"]) == ("P0181", "HTTP 503 H1101")


def test_who_says_when_to_come_again_is_waited_for_longer(stand: Stand) -> None:
    busy = problem(503, "H1145", Retry_After="10")
    stand.replies = [TOKEN, *[busy] * 6, OK]
    stand.session(20.0, busy_s=60.0).call("POST", "/v1/submissions", {})
    assert stand.told == [(10.0, "HTTP 503 H1145")] * 6
    assert stand.slept == [10.0] * 6
    stand.replies = [TOKEN, *[busy] * 7]
    assert fault(stand, patience_s=20.0, busy_s=60.0).facts["why"] == "HTTP 503 H1145"
    assert len(stand.slept) == 12, "and no longer than that"
    stand.replies = [TOKEN, *[problem(503, "H1101")] * 99]
    begun = stand.clock
    fault(stand, patience_s=20.0, busy_s=60.0)
    assert stand.clock - begun < 20.0


def test_why_it_waits_is_told_of_a_line_that_broke_too(stand: Stand) -> None:
    stand.replies = [TOKEN, None, OK]
    stand.session().call("POST", "/v1/enquiries", {}, key="key-12345")
    ((seconds, why),) = stand.told
    assert (0.1 <= seconds <= 0.2, why) == (True, "RemoteDisconnected")


@pytest.mark.parametrize(
    "refused", [problem(422, "H1121"), problem(403, "H1201"), problem(404, "H1116"), problem(409, "H1210")]
)
def test_a_refusal_is_final(stand: Stand, refused: Told) -> None:
    stand.replies = [TOKEN, refused]
    told = fault(stand)
    assert (told.code, told.facts["refusal"]) == ("P0182", refused[2]["code"])


def test_a_token_refused_once_is_renewed_and_twice_is_a_refusal(stand: Stand) -> None:
    stand.replies = [TOKEN, problem(401, "H1104"), TOKEN, OK]
    stand.session().call("POST", "/v1/enquiries", {}, key="key-12345")
    stand.replies = [TOKEN, problem(401, "H1104"), TOKEN, problem(401, "H1110")]
    assert fault(stand).facts["refusal"] == "H1110"
    stand.replies = [problem(401, "H1106"), problem(401, "H1106")]
    assert fault(stand).facts["refusal"] == "H1106"


def test_a_redirect_is_not_followed(stand: Stand) -> None:
    """The token and the question would go to whoever it names."""
    stand.replies = [TOKEN, (307, {"Location": f"http://127.0.0.1:{stand.port}/elsewhere"}, {})]
    with pytest.raises(PrivacyError, match="HTTP 307"):
        stand.session().call("POST", "/v1/enquiries", {}, key="key-12345")
    assert [each[1] for each in stand.calls] == ["/v1/enquiries"]


def test_a_stream_is_made_anew_for_each_attempt(stand: Stand) -> None:
    stand.replies = [TOKEN, problem(503, "H1101"), OK]
    made = []

    def body() -> Body:
        made.append(1)
        return Body("text/plain", 6, iter((b"abc", b"def")))

    stand.session().call("POST", "/v1/submissions", body=body)
    assert [each[3] for each in stand.calls] == [b"abcdef"] * 2
    assert len(made) == 2


def test_a_refusal_is_read_though_the_line_is_cut_before_the_body_is_out() -> None:
    """As the platform does with an upload whose turn has not come: it answers, reads no further, and closes."""
    told = json.dumps({"code": "H1145"}).encode()
    answer = b"HTTP/1.1 503 Busy\r\nRetry-After: 10\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told)

    def refuse(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=refuse, args=(server,))
        thread.start()
        transport = Transport(f"http://127.0.0.1:{server.getsockname()[1]}", timeout_s=30)
        length = 64 << 20
        ended = []

        def blocks() -> Iterator[bytes]:
            try:
                for _ in range(64):
                    yield bytes(1 << 20)
            finally:
                ended.append(True)

        reply = transport.send("POST", "/v1/submissions", Body("text/plain", length, blocks()), {})
        thread.join()
    assert (reply.status, reply.headers["retry-after"], reply.json()) == (503, "10", {"code": "H1145"})
    assert ended == [True]


def test_a_file_that_cannot_be_read_is_no_fault_of_the_line(stand: Stand) -> None:
    def broken() -> Iterator[bytes]:
        yield b"abc"
        raise OSError("a disk that failed")

    stand.replies = [None]
    with pytest.raises(Unreachable, match="OSError"):
        Transport(f"http://127.0.0.1:{stand.port}", timeout_s=5).send(
            "POST", "/v1/submissions", Body("text/plain", 9, broken()), {}
        )


def test_only_web_addresses_are_taken() -> None:
    with pytest.raises(ValueError, match="http"):
        Transport("file:///etc/passwd")


def test_a_zone_is_shown_a_token_of_its_own_and_the_registry_no_person(stand: Stand) -> None:
    """The person goes to the entry zone alone, all else to the registry zone alone."""
    here = f"http://127.0.0.1:{stand.port}"
    identity = Identity("M0001", "key", Ed25519PrivateKey.generate())
    client = Huxin(f"{here}", identity, entry_url=f"{here}/entry")
    asked = question(5)
    stand.replies = [
        TOKEN,
        (200, {}, {"ticket": "T", "expires_at": 1}),
        TOKEN,
        (200, {}, {"outcome": "refer"}),
    ]
    assert client.ask(asked, "key-12345").outcome == "refer"
    (_, token, _, form), (_, entry, _, said), (_, _, _, other), (_, place, _, enquiry) = stand.seen
    assert (token, entry, place) == ("/oauth/token", "/entry/v1/tickets", "/v1/enquiries")
    assert b"scope=tickets" in form and b"scope" not in other
    ticketed = json.loads(said)
    assert ticketed["subject"]["id_no"] == asked.id_no
    assert ticketed["enquiry_sha256"] == digest_of_body(asked.body()).hex()
    sent = json.loads(enquiry)
    assert (sent["ticket"], "subject" in sent) == ("T", False)
    for cell in (asked.id_no, asked.name or "", asked.mobile or ""):
        assert cell.encode() not in enquiry
    assert asked.consent_no.encode() not in said
