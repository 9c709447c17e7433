"""Calls from one zone to another over mutual TLS: 1.3, the peer's certificate by the peer's own issuer, ours shown.

An answer that is a problem (RFC 9457) with a code of ours is raised as that error, as if it had happened here.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from huxin.errors import HuxinError, error_texts
from huxin.zones.layout import Layout
from huxin_privacy.errors import TEXTS, PrivacyError

BYTES: Final = "application/octet-stream"
JSON: Final = "application/json"
USUAL_S: Final = 60.0
LONG_S: Final = 3600.0  # a huge file is loaded within an answer
_LONGEST_PROBLEM: Final = 64 << 10

Body = bytes | Iterable[bytes] | None


@dataclass(frozen=True)
class Reply:
    """An answer of 2xx: its status and its bytes."""

    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Peer:
    """One zone as another calls it. Safe to share between threads: each call has a connection of its own."""

    def __init__(self, layout: Layout, zone: str) -> None:
        """HuxinError H1706 (no card), H1710 (no address), H1711 (a certificate or key that is none)."""
        card = layout.card(zone)
        url = layout.peers.get(zone)
        if url is None:
            raise HuxinError("H1710", zone=zone)
        self.zone, self.card = zone, card
        self._own, self._at = layout.zone, urlsplit(url)
        self._context = _context(layout, card.issuer)

    def call(
        self,
        method: str,
        path: str,
        body: Body = None,
        *,
        kind: str = JSON,
        seconds: float = USUAL_S,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One call; a body that comes in pieces is sent in chunks. `seconds` may pass without a byte.

        HuxinError H1712 (out of reach), H1713 (a certificate was refused, by either side), H1714 (an answer that is
        none of ours), and whatever the peer refuses with.
        """
        line = http.client.HTTPSConnection(
            self._at.hostname or "", self._at.port or 443, timeout=seconds, context=self._context
        )
        told = dict(headers or {}) | ({"Content-Type": kind} if body is not None else {})
        try:
            line.connect()
            line.request(method, path, _sent(body), told, encode_chunked=_in_pieces(body))
            return self._answer(line.getresponse())
        except ssl.SSLError as error:
            raise HuxinError("H1713", zone=self.zone, reason=error.reason or type(error).__name__) from None
        except (OSError, http.client.HTTPException) as error:
            raise HuxinError("H1712", zone=self.zone, reason=type(error).__name__) from None
        finally:
            line.close()

    def _answer(self, answer: http.client.HTTPResponse) -> Reply:
        if answer.status < 300:
            return Reply(answer.status, answer.read())
        raise _refusal(self.zone, answer.status, answer.read(_LONGEST_PROBLEM))


def _sent(body: Body) -> Any:
    return iter(body) if _in_pieces(body) else body  # type: ignore[arg-type]  # bytes are one piece


def _in_pieces(body: Body) -> bool:
    return body is not None and not isinstance(body, bytes)


def _context(layout: Layout, issuer: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=issuer)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(layout.certificate, layout.key)
    except (OSError, ValueError):  # SSLError is an OSError
        raise HuxinError("H1711", zone=layout.zone) from None
    return context


def _refusal(zone: str, status: int, content: bytes) -> Exception:
    try:
        said = json.loads(content)
        code, facts = str(said["code"]), dict(said.get("facts") or {})
        if code in error_texts():
            return HuxinError(code, **facts)
        if code in TEXTS:
            return PrivacyError(code, **facts)
    except (ValueError, KeyError, TypeError):
        pass
    return HuxinError("H1714", zone=zone, status=status)
