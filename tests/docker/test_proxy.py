"""The TLS proxy: the very nginx of compose.yaml with its configuration, in front of an API that tells what it got."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from proxy_rig import CONFIGURATION, Proxy, api, proxy_before, told

from huxin.api.shell import Config
from support.ports import free_port

NUMBER = "110101199003077758"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with api() as port, proxy_before(port, tmp_path_factory.mktemp("proxy")) as made:
        yield made


def test_an_answer_comes_through_over_modern_tls(proxy: Proxy) -> None:
    connection = proxy.connection()
    connection.request("POST", "/v1/enquiries", b"{}")
    assert isinstance(connection.sock, ssl.SSLSocket)
    assert connection.sock.version() == "TLSv1.3"
    assert told(connection.getresponse())["path"] == "/v1/enquiries"


@pytest.mark.parametrize("path", ["/v1/enquiries", "/v1/busy", "/metrics"])
def test_security_headers_are_on_every_answer(proxy: Proxy, path: str) -> None:
    answer = proxy.ask(path)
    found = {name.lower(): value for name, value in answer.getheaders()}
    assert found["strict-transport-security"] == "max-age=63072000"
    assert found["x-content-type-options"] == "nosniff"
    assert found["x-frame-options"] == "DENY"
    assert found["referrer-policy"] == "no-referrer"
    assert found["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert found["cache-control"] == "no-store"
    assert "nginx/" not in found["server"]
    assert "Python" not in found["server"]


def test_what_the_api_says_of_itself_stands(proxy: Proxy) -> None:
    answer = proxy.ask("/docs")
    assert answer.headers.get_all("content-security-policy") == ["default-src 'self'"]
    assert answer.headers.get_all("cache-control") == ["max-age=60"]


def test_a_caller_does_not_choose_whom_the_api_sees(proxy: Proxy) -> None:
    claims = {"X-Forwarded-For": "10.0.0.9", "X-Forwarded-Host": "evil", "Forwarded": "for=10.0.0.9"}
    seen = told(proxy.ask("/v1/whoami", **claims, **{"X-Forwarded-Proto": "http"}))["headers"]
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "https"
    assert not {"x-forwarded-host", "forwarded"} & seen.keys()
    assert seen["host"] == f"localhost:{proxy.port}"


def test_the_body_limit_is_the_apis(proxy: Proxy) -> None:
    limit = Config().body_limit
    assert told(proxy.ask("/v1/enquiries", b"x" * limit))["size"] == limit
    refused = proxy.ask("/v1/enquiries", b"x" * (limit + 1))
    assert refused.status == 413
    assert refused.headers["content-type"] == "application/problem+json"
    assert told(refused)["status"] == 413


def test_a_nights_file_may_be_larger_but_nothing_else_may(proxy: Proxy) -> None:
    body = b"x" * (Config().body_limit * 3)
    assert told(proxy.ask("/v1/submissions", body))["size"] == len(body)
    assert proxy.ask("/v1/submissions/1/confirm", body).status == 413
    allowed = re.search(r"location = /v1/submissions \{\s*client_max_body_size (\d+)g;", CONFIGURATION)
    assert allowed
    assert int(allowed[1]) << 30 == Config().upload_limit


def test_a_file_is_not_put_down_by_the_proxy(proxy: Proxy) -> None:
    """It reaches the API while it is still being sent."""
    connection = proxy.connection()
    connection.putrequest("POST", "/v1/submissions")
    connection.putheader("Content-Length", "200000")
    connection.putheader("X-Answer", "early")
    connection.endheaders()
    connection.send(b"x" * 100000)
    assert connection.getresponse().status == 200
    connection.close()


def test_one_address_has_four_uploads_under_way_at_most(proxy: Proxy) -> None:
    def begun() -> http.client.HTTPSConnection:
        made = proxy.connection()
        made.putrequest("POST", "/v1/submissions")
        made.putheader("Content-Length", "2000")
        made.endheaders(b"x" * 1000)
        return made

    under_way = [begun() for _ in range(4)]
    deadline = time.monotonic() + 120
    while (refused := proxy.ask("/v1/submissions/check", b"x")).status != 503:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert refused.headers["retry-after"] == "5"
    assert told(refused) == {"type": "about:blank", "title": "Service Unavailable", "status": 503}
    assert proxy.ask("/v1/enquiries", b"{}").status == 200
    for each in under_way:
        each.send(b"x" * 1000)
        assert told(each.getresponse())["size"] == 2000
    while proxy.ask("/v1/submissions", b"x").status == 503:  # noticed as each ends, a moment after its answer
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_connections_are_kept_on_both_sides(proxy: Proxy) -> None:
    connection = proxy.connection()
    ports = []
    for _ in range(20):
        connection.request("POST", "/v1/enquiries", b"{}")
        ports.append(told(connection.getresponse())["port"])
        assert connection.sock is not None
    # One worker keeps its connections for itself: as many as there are workers, not one a request.
    assert len(set(ports)) <= 2


def test_counters_are_not_for_the_world(proxy: Proxy) -> None:
    assert proxy.ask("/metrics").status == 404


def test_without_tls_nothing_is_said(proxy: Proxy) -> None:
    plain = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=120)
    plain.request("GET", "/v1/whoami")
    answer = plain.getresponse()
    assert answer.status == 400
    assert told(answer) == {"type": "about:blank", "title": "Bad Request", "status": 400}


HOST = b"Host: localhost\r\nConnection: close\r\n"
LONG = NUMBER.encode() * 600


@pytest.mark.parametrize(
    ("sent", "status", "title"),
    [
        (b"\x00\x01\r\n\r\n", 400, "Bad Request"),
        (b"GET /" + NUMBER.encode() + b"/%zz HTTP/1.1\r\n" + HOST + b"\r\n", 400, "Bad Request"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "Bad Request"),
        (b"GET / HTTP/1.1\r\n" + HOST + NUMBER.encode() + b" : y\r\n\r\n", 400, "Bad Request"),
        (b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n", 405, "Method Not Allowed"),
        (b"GET /" + LONG + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "URI Too Long"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + LONG + b"\r\n\r\n", 431, "Request Header Fields Too Large"),
        (b"GET / HTTP/3.7\r\n" + HOST + b"\r\n", 505, "HTTP Version Not Supported"),
        (
            b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: x\r\n\r\n",
            501,
            "Not Implemented",
        ),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,
)
def test_what_is_no_http_is_told_in_the_apis_form(proxy: Proxy, sent: bytes, status: int, title: str) -> None:
    head, _, body = proxy.said(sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d" % status)
    assert b"\r\nContent-Type: application/problem+json\r\n" in head
    assert b"\r\nStrict-Transport-Security: " in head
    assert json.loads(body) == {"type": "about:blank", "title": title, "status": status}
    for written in (proxy.log, proxy.faults):
        assert NUMBER not in written.read_text(encoding="utf-8")


def test_the_address_of_refusals_is_none(proxy: Proxy) -> None:
    answer = proxy.ask("/refused")
    assert (answer.status, told(answer)["status"]) == (404, 404)


def test_the_health_listener_answers(proxy: Proxy) -> None:
    inner = http.client.HTTPConnection("127.0.0.1", proxy.health, timeout=120)
    inner.request("GET", "/")
    assert inner.getresponse().status == 204


def test_an_api_that_is_away_is_told_as_such(tmp_path: Path) -> None:
    """Before a port where nobody listens: "could not look" in the API's own form, and no word of what was asked."""
    with proxy_before(free_port(), tmp_path) as lonely:
        answer = lonely.ask(f"/v1/enquiries/{NUMBER}", b"{}")
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert answer.headers["content-type"] == "application/problem+json"
        assert told(answer)["status"] == 503
    for written in (lonely.log, lonely.faults):
        assert NUMBER not in written.read_text(encoding="utf-8")


def test_the_log_names_rooms_and_no_number(proxy: Proxy) -> None:
    agent = {"User-Agent": NUMBER, "Referer": f"https://x/{NUMBER}"}
    for path in (f"/v1/enquiries/{NUMBER}?id={NUMBER}", f"/{NUMBER}", f"/v1/{NUMBER}"):
        proxy.ask(path, b"{}", **agent).read()
    deadline = time.monotonic() + 120
    while (
        len(lines := proxy.log.read_text(encoding="utf-8").splitlines()) < 3 and time.monotonic() < deadline
    ):
        time.sleep(0.05)
    assert NUMBER not in "\n".join(lines)
    rooms = [json.loads(line)["room"] for line in lines]
    assert {"/v1/enquiries", "other"} <= set(rooms)
    assert all(re.fullmatch(r"/v1/[a-z-]+|/healthz|/readyz|/docs|other", room) for room in rooms)
