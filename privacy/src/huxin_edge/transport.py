"""One HTTP request by the standard library: TLS checked, no redirect followed, a body that may be a stream."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

from huxin_privacy.client import Reply


@dataclass(frozen=True)
class Body:
    """What is sent: its type, its length in bytes, and its blocks."""

    kind: str
    length: int
    blocks: Iterable[bytes]


class Unreachable(Exception):  # noqa: N818 - it says what the platform is
    """No answer came: `why` is the kind of the fault, never what was sent."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


class _Stay(HTTPRedirectHandler):
    """A redirect is a refusal: the token and the file would go to whoever it names."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Transport:
    """Requests to one platform. `ca_file` holds the certificates to trust in place of the system's."""

    def __init__(self, url: str, ca_file: Path | None = None, timeout_s: float = 30.0) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError("an http or https address is needed")
        self.url, self._timeout = url.rstrip("/"), timeout_s
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        self._opener: OpenerDirector = build_opener(_Stay(), HTTPSHandler(context=context))

    def send(self, method: str, path: str, body: Body | None, headers: Mapping[str, str]) -> Reply:
        """One request; a refusal is a reply too. `Unreachable` when none comes."""
        named = dict(headers)
        if body is not None:
            named |= {"Content-Type": body.kind, "Content-Length": str(body.length)}
        blocks = None if body is None else body.blocks
        request = Request(self.url + path, blocks, named, method=method)  # noqa: S310 the scheme was checked
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return _reply(answer.status, answer.headers, answer.read())
        except HTTPError as refusal:
            with refusal:
                return _reply(refusal.code, refusal.headers, _rest(refusal))
        except URLError as fault:
            raise Unreachable(type(fault.reason).__name__) from None
        except (OSError, http.client.HTTPException) as fault:
            raise Unreachable(type(fault).__name__) from None


def json_body(content: Any) -> Body:
    """`content` as JSON."""
    raw = json.dumps(content, ensure_ascii=False).encode()
    return Body("application/json", len(raw), (raw,))


def _rest(refusal: HTTPError) -> bytes:
    try:
        return refusal.read()
    except (OSError, http.client.HTTPException):
        return b""


def _reply(status: int, headers: Any, body: bytes) -> Reply:
    return Reply(status, {name.lower(): value for name, value in headers.items()}, body)
