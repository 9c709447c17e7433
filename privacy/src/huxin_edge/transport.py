"""One HTTP request by the standard library: TLS checked, no redirect followed, a body that may be a stream."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import (
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
    build_opener,
)

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


# What a peer that reads no further looks like; over TLS its end may come as the last two.
_CUT: Final = (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


class _Listening(http.client.HTTPConnection):
    """Who is refused while it sends a long body is told so before the line is cut: that answer is read, not lost."""

    def request(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Mapping[str, Any] = MappingProxyType({}),
        *,
        encode_chunked: bool = False,
    ) -> None:
        begun = False

        def blocks() -> Iterator[bytes]:
            nonlocal begun
            for block in body:
                begun = True
                yield block

        try:
            given = None if body is None else blocks()
            super().request(method, url, given, headers, encode_chunked=encode_chunked)
        except _CUT:
            if not begun:
                raise


class _ListeningTls(_Listening, http.client.HTTPSConnection):
    """The same over TLS."""


class _Http(HTTPHandler):
    def http_open(self, req: Request) -> Any:
        return self.do_open(_Listening, req)


class _Https(HTTPSHandler):
    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._given = context

    def https_open(self, req: Request) -> Any:
        return self.do_open(_ListeningTls, req, context=self._given)


class Transport:
    """Requests to one platform. `ca_file` holds the certificates to trust in place of the system's."""

    def __init__(self, url: str, ca_file: Path | None = None, timeout_s: float = 30.0) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError("an http or https address is needed")
        self.url, self._timeout = url.rstrip("/"), timeout_s
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        self._opener: OpenerDirector = build_opener(_Stay(), _Http(), _Https(context))

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
        finally:
            if isinstance(blocks, Generator):  # what was under way ends here, not whenever it is forgotten
                blocks.close()


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
