"""A member's side of the platform's API: a token by its own key (RFC 7523), and calls with it."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from huxin_privacy.enquiry_digest import digest_of_body

ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFE_S: Final = 60
_EARLY_S: Final = 20  # a token this near its end is not used for another call
_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True)
class Identity:
    """Who calls: the member's code, its registered key's number, and the private half. Its repr shows no key."""

    code: str
    key_id: str
    secret: EllipticCurvePrivateKey | Ed25519PrivateKey = field(repr=False)

    @classmethod
    def read(cls, code: str, key_id: str, file: Path) -> Identity:
        """From a PEM file as `huxin members key new` writes it. ValueError when it holds no key of these kinds."""
        secret = load_pem_private_key(file.read_bytes(), None)
        if not isinstance(secret, EllipticCurvePrivateKey | Ed25519PrivateKey):
            raise ValueError("neither P-256 nor Ed25519")
        return cls(code, key_id, secret)


@dataclass(frozen=True)
class Reply:
    """What the platform said: status, headers with lower-case names, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Calls as one member; gets its tokens when they are needed. `now` is the clock in seconds of Unix time.

    Where the platform is split into zones, `issuer` is the registry zone's address, which gives the tokens, and `scope`
    all that they may be used for. The entry zone's client: `Client(entry_url, identity, issuer=url, scope="tickets")`.
    """

    def __init__(
        self,
        url: str,
        identity: Identity,
        now: Callable[[], float] = time.time,
        *,
        issuer: str | None = None,
        scope: str | None = None,
    ) -> None:
        self.url, self._identity, self._now = url.rstrip("/"), identity, now
        self._issuer, self._scope = (issuer or url).rstrip("/"), scope
        self._token, self._until = "", float("-inf")

    def token(self) -> str:
        """An access token that holds for a while. RuntimeError with the platform's words when it gives none."""
        if time.monotonic() >= self._until:
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION,
                "client_assertion": assertion(self._identity, f"{self._issuer}/oauth/token", self._now()),
                **({"scope": self._scope} if self._scope else {}),
            }
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            reply = send("POST", f"{self._issuer}/oauth/token", urlencode(form).encode(), kind)
            if reply.status != 200:
                raise RuntimeError(reply.body.decode())
            said = reply.json()
            self._token, self._until = said["access_token"], time.monotonic() + said["expires_in"] - _EARLY_S
        return self._token

    def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> Reply:
        """One call; `key` is its Idempotency-Key, and a new one is made for a POST that is given none."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if method == "POST":
            headers["Idempotency-Key"] = key or str(uuid.uuid4())
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        return send(method, self.url + path, content, headers)

    def enquire(self, body: Mapping[str, Any], key: str | None = None, entry: Client | None = None) -> Reply:
        """One enquiry; its refusal by the entry zone is a reply too.

        Where the platform is split, `entry` is the entry zone's client: the person is told to that zone alone, and this
        one, the registry zone's, gets a ticket in the person's place.
        """
        if entry is None:
            return self.call("POST", "/v1/enquiries", body, key)
        wish = ticket_wish(body)
        given = None if wish is None else entry.call("POST", "/v1/tickets", wish)
        if given is not None and given.status != 200:
            return given
        ticket = None if given is None else given.json()["ticket"]
        return self.call("POST", "/v1/enquiries", with_ticket(body, ticket), key)


def ticket_wish(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the entry zone is told of an enquiry: the person, and a digest of the rest.

    None of a malformed one: the registry zone says what is wrong with it.
    """
    try:
        digest = digest_of_body(body)
    except (KeyError, ValueError, ArithmeticError, TypeError, AttributeError):
        return None
    return {"subject": body.get("subject"), "enquiry_sha256": digest.hex()}


def with_ticket(body: Mapping[str, Any], ticket: str | None) -> dict[str, Any]:
    """What the registry zone is told of it: all but the person; None where there was nothing to have a ticket for."""
    return {name: value for name, value in body.items() if name != "subject"} | {"ticket": ticket or "-"}


def assertion(identity: Identity, audience: str, now: float) -> str:
    """A client assertion (RFC 7523) for one use within a minute."""
    alg = "EdDSA" if isinstance(identity.secret, Ed25519PrivateKey) else "ES256"
    issued = int(now)
    claims = {
        "iss": identity.code,
        "sub": identity.code,
        "aud": audience,
        "iat": issued,
        "exp": issued + _LIFE_S,
        "jti": str(uuid.uuid4()),
    }
    said = f"{_part({'alg': alg, 'typ': 'JWT', 'kid': identity.key_id})}.{_part(claims)}"
    return f"{said}.{_text(_signed(identity.secret, said.encode()))}"


def send(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
    """One request; a refusal is a reply too. OSError when the platform cannot be reached."""
    if not url.startswith(("http://", "https://")):
        raise ValueError("an http or https address is needed")
    request = Request(url, body, dict(headers), method=method)  # noqa: S310 the scheme is checked above
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 the scheme is checked above
            return Reply(answer.status, _lower(answer.headers), answer.read())
    except HTTPError as refusal:
        with refusal:
            return Reply(refusal.code, _lower(refusal.headers), refusal.read())


def _signed(secret: EllipticCurvePrivateKey | Ed25519PrivateKey, said: bytes) -> bytes:
    if isinstance(secret, Ed25519PrivateKey):
        return secret.sign(said)
    # JWS wants r ‖ s (RFC 7518, 3.4), not ASN.1.
    r, s = decode_dss_signature(secret.sign(said, ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _part(values: Mapping[str, Any]) -> str:
    return _text(json.dumps(values, separators=(",", ":")).encode())


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
