"""docker/health.py: 0 for a service that is well, 1 for one that is ill, slow, silent or another."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from docker_tree import DOCKER

ANSWERS = {
    "/readyz": (200, b"{}"),
    "/ill": (503, b"{}"),
    "/health": (
        200,
        json.dumps({"triggerer": {"status": "healthy"}, "dag_processor": {"status": None}}).encode(),
    ),
    "/strange": (200, b"<html>"),
}


class Service(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = ANSWERS[self.path]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def code(*arguments: str) -> int:
    # A proxy of the machine must not be asked.
    environment = {"http_proxy": "http://127.0.0.1:9"}
    command = [sys.executable, "-I", str(DOCKER / "health.py"), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.stderr == ""
    return done.returncode


@pytest.mark.parametrize(
    ("path", "component", "expected"),
    [
        ("/readyz", (), 0),
        ("/ill", (), 1),
        ("/health", ("triggerer",), 0),
        ("/health", ("dag_processor",), 1),
        ("/health", ("unheard_of",), 1),
        ("/strange", ("triggerer",), 1),
    ],
)
def test_health(address: str, path: str, component: tuple[str, ...], expected: int) -> None:
    assert code(address + path, *component) == expected


def test_a_connection_is_seen_while_it_lasts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert code("connected", str(port)) == 1, "to listen is not to be connected"
        with socket.create_connection(("127.0.0.1", port)):
            assert code("connected", str(port)) == 0
        assert code("connected", str(port)) == 1


def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert code(f"http://127.0.0.1:{unused.getsockname()[1]}/") == 1
