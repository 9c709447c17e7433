"""Calls as one member: tokens got and renewed, and what failed tried again for as long as that can help."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from huxin_edge.transport import Body, Transport, Unreachable, json_body
from huxin_privacy.client import ASSERTION, Identity, Reply, assertion
from huxin_privacy.errors import PrivacyError

_EARLY_S: Final = 20  # a token this near its end is not used for another call
# 409 with Retry-After: the same question is being answered, or a submission is at work.
_AGAIN: Final = frozenset({408, 409, 429, 500, 502, 503, 504})
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Retry:
    """For how long a call is tried (seconds), and how long the waits between grow from `first_s` to `longest_s`.

    `busy_s` is the patience, where it is longer, with a platform that says itself when to come again.
    """

    patience_s: float = 15.0
    first_s: float = 0.2
    longest_s: float = 5.0
    busy_s: float = 0.0

    def wait(self, attempt: int, said: float | None) -> float:
        """Before the next attempt: what the platform said, else twice the last wait, spread over half of it."""
        if said is not None:
            return said
        full = min(self.longest_s, self.first_s * 2.0**attempt)
        return full * random.uniform(0.5, 1.0)  # noqa: S311 - it spreads callers, it hides nothing

    def patience(self, said: float | None) -> float:
        """With a reply that said to come again so many seconds later, or did not."""
        return self.patience_s if said is None else max(self.patience_s, self.busy_s)


class Session:
    """Calls to one address. `now` is Unix time, `clock` a steady clock, both in seconds; `sleep` waits.

    `waiting` is told before each wait how long it is (seconds) and why: a code of the platform's, or the kind of fault.

    Where the platform is split into zones, `issuer` is the registry zone's address, which gives the tokens, and
    `scope` all that they may be used for: no zone is shown a token that opens another.
    """

    def __init__(
        self,
        transport: Transport,
        identity: Identity,
        retry: Retry | None = None,
        language: str = "zh",
        *,
        issuer: Transport | None = None,
        scope: str | None = None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        waiting: Callable[[float, str], None] = lambda _seconds, _why: None,
    ) -> None:
        self.identity, self._transport, self._retry = identity, transport, retry or Retry()
        self._issuer, self._scope = issuer or transport, scope
        self._language, self._now, self._clock, self._sleep = language, now, clock, sleep
        self._waiting = waiting
        self._token, self._until = "", float("-inf")

    def call(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        key: str | None = None,
        body: Callable[[], Body] | None = None,
    ) -> Reply:
        """The platform's answer, of a status that means success.

        `content` goes as JSON; `body` makes the body anew for each attempt; `key` is the Idempotency-Key, the same
        in each. PrivacyError P0181 (not to be reached, or out of order, within the patience), P0182 (refused).
        """
        made = body or ((lambda: json_body(content)) if content is not None else None)
        headers = {} if key is None else {"Idempotency-Key": key}
        begin, attempt, renewed = self._clock(), 0, False
        while True:
            reply, why = self._attempt(method, path, made, headers)
            if reply is not None and reply.status < 300:
                return reply
            if reply is not None and reply.status == 401 and not renewed:
                renewed, self._until = True, float("-inf")
                continue
            said = _retry_after(reply)
            wait = self._retry.wait(attempt, said)
            if not _helps(reply) or self._clock() + wait > begin + self._retry.patience(said):
                raise self._fault(reply, why)
            self._waiting(wait, why or _status(reply))
            self._sleep(wait)
            attempt += 1

    def _attempt(
        self, method: str, path: str, made: Callable[[], Body] | None, headers: Mapping[str, str]
    ) -> tuple[Reply | None, str]:
        """The reply to one attempt, or None and why there is none. A token that is refused is such a reply too."""
        try:
            refused = self._renew()
            if refused is not None:
                return refused, ""
            named = {"Authorization": f"Bearer {self._token}", "Accept-Language": self._language, **headers}
            return self._transport.send(method, path, made() if made else None, named), ""
        except Unreachable as fault:
            return None, fault.why

    def _renew(self) -> Reply | None:
        """Gets a token where there is none that holds; the refusal when it gets none."""
        if self._clock() < self._until:
            return None
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": assertion(self.identity, f"{self._issuer.url}/oauth/token", self._now()),
            **({"scope": self._scope} if self._scope else {}),
        }
        raw = urlencode(form).encode()
        reply = self._issuer.send(
            "POST", "/oauth/token", Body(_FORM, len(raw), (raw,)), {"Accept-Language": self._language}
        )
        if reply.status != 200:
            return reply
        said = reply.json()
        self._token, self._until = said["access_token"], self._clock() + said["expires_in"] - _EARLY_S
        return None

    def _fault(self, reply: Reply | None, why: str) -> PrivacyError:
        if reply is None or reply.status >= 500:
            return PrivacyError("P0181", url=self._transport.url, why=why or _status(reply))
        code, said = _problem(reply)
        return PrivacyError("P0182", refusal=code, said=said, status=reply.status)


def _helps(reply: Reply | None) -> bool:
    """Whether the same call may be answered otherwise in a moment."""
    if reply is None:
        return True
    return reply.status in _AGAIN and (
        reply.status != 409 or "retry-after" in reply.headers or _running(reply)
    )


def _running(reply: Reply) -> bool:
    return _problem(reply)[0] == "H1203"


def _status(reply: Reply | None) -> str:
    """A refusal in short: its status, and the platform's code where it is the platform's own."""
    if reply is None:
        return ""
    code, _ = _problem(reply)
    return code if code.startswith("HTTP") else f"HTTP {reply.status} {code}"


def _retry_after(reply: Reply | None) -> float | None:
    said = reply.headers.get("retry-after", "") if reply else ""
    return float(said) if said.isascii() and said.isdigit() else None


def _problem(reply: Reply) -> tuple[str, str]:
    """Code and text of a refusal; of one that is not the platform's own, its status."""
    try:
        said = reply.json()
        return str(said["code"]), str(said.get("detail") or said.get("title") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"HTTP {reply.status}", ""
