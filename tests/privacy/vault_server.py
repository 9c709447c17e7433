"""A small server that answers as Vault's key-value store (version 2) does, for what a key-encryption key needs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Vault:
    """Secrets by their path below /v1, the tokens that may read them, and what was asked for."""

    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)
    sealed: bool = False
    broken: bytes | None = None
    address: str = ""

    def answer(self, path: str, token: str, namespace: str) -> tuple[int, Any]:
        """Status and body, as Vault's API documentation has them."""
        self.asked.append((path, namespace))
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if token not in self.tokens:
            return 403, {"errors": ["permission denied", f"token {token}"]}
        found = self.secrets.get(path)
        if found is None:
            return 404, {"errors": []}
        if found.get("deleted"):
            return 404, {"data": {"data": None, "metadata": {"deletion_time": "2026-01-01T00:00:00Z"}}}
        return 200, {"data": {"data": found, "metadata": {"version": 1}}}


@contextmanager
def vault() -> Iterator[Vault]:
    """A server of its own port on this machine."""
    made = Vault()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            token = self.headers.get("X-Vault-Token", "")
            status, body = made.answer(
                self.path.removeprefix("/v1/"), token, self.headers.get("X-Vault-Namespace", "")
            )
            content = json.dumps(body).encode() if made.broken is None else made.broken
            self.send_response(status if made.broken is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
