"""Client assertions: how a caller proves who it is when it asks for a token (private_key_jwt, RFC 7523).

Its private key never leaves it; we hold the public half. Only ES256 and EdDSA are taken, and each key only with the
algorithm that it was registered for, so that neither `none` nor a public key used as an HMAC secret gets anywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.serialization import load_der_public_key

from huxin.api.caller import Caller
from huxin.api.shell import Shell
from huxin.errors import HuxinError
from huxin.registry import credentials
from huxin.registry.credentials import Key

ALGORITHMS = ("ES256", "EdDSA")
LONGEST_S = 300  # from now to exp
LEEWAY_S = 30  # for clocks that do not agree
_LONGEST_TEXT = 4096
_LONGEST_JTI = 256
_NO_CLAIM_CHECKS: Any = {
    f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")
}


def holder_of(shell: Shell, assertion: str) -> tuple[Key, Caller]:
    """The key and the caller (with every scope of the key) that an assertion proves, which is used up by it.

    Raises H1105 (unreadable), H1106 (key, issuer, signature), H1107 (times), H1108 (audience), H1109 (used before),
    H1110 (revoked key).
    """
    key_id = _key_id(assertion)
    key = credentials.find_key(shell.row, key_id)
    if key is None:
        raise HuxinError("H1106")
    claims = _verified(assertion, key)
    if key.revoked:
        raise HuxinError("H1110")
    _check_audience(shell, claims)
    expires, skew = _check_times(shell.settings.now(), claims)
    if not credentials.use_assertion(
        shell.row, key_id, _digest(claims["jti"]), expires, shell.settings.now()
    ):
        raise HuxinError("H1109")
    return key, Caller(key.member_id, key.holder, key.role, frozenset(key.scopes), key_id, skew)


def _key_id(assertion: str) -> UUID:
    if len(assertion) > _LONGEST_TEXT:
        raise HuxinError("H1105", what="length")
    try:
        head = jwt.get_unverified_header(assertion)
    except jwt.PyJWTError:
        raise HuxinError("H1105", what="JWT") from None
    if head.get("alg") not in ALGORITHMS:
        raise HuxinError("H1105", what="alg")
    try:
        return UUID(str(head.get("kid")))
    except ValueError:
        raise HuxinError("H1105", what="kid") from None


def _verified(assertion: str, key: Key) -> dict[str, Any]:
    public: Any = load_der_public_key(key.public_key)
    try:
        claims: dict[str, Any] = jwt.decode(assertion, public, algorithms=[key.alg], options=_NO_CLAIM_CHECKS)
    except jwt.PyJWTError:
        raise HuxinError("H1106") from None
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI:
        raise HuxinError("H1105", what="jti")
    if claims.get("iss") != key.holder or claims.get("sub") != key.holder:
        raise HuxinError("H1106")
    return claims


def _check_audience(shell: Shell, claims: Mapping[str, Any]) -> None:
    """aud is our issuer or our token address: never taken from the request's Host, which a caller writes."""
    issuer = shell.config.issuer
    said = claims.get("aud")
    named = said if isinstance(said, list) else [said]
    if not any(each in (issuer, f"{issuer}/oauth/token") for each in named):
        raise HuxinError("H1108", audience=f"{issuer}/oauth/token")


def _check_times(now: datetime, claims: Mapping[str, Any]) -> tuple[datetime, int | None]:
    """When the assertion can no longer be used, and the caller's clock less ours in seconds."""
    present = now.timestamp()
    expires, begins, made = (_moment(claims, name) for name in ("exp", "nbf", "iat"))
    if expires is None:
        raise HuxinError("H1105", what="exp")
    late = expires + LEEWAY_S <= present
    early = max(begins or present, made or present) > present + LEEWAY_S
    if late or early or expires > present + LONGEST_S + LEEWAY_S:
        raise HuxinError("H1107", longest_s=LONGEST_S, now=now.isoformat(timespec="seconds"))
    skew = None if made is None else round(made - present)
    return datetime.fromtimestamp(expires + LEEWAY_S, UTC), skew


def _moment(claims: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate (RFC 7519, 2) within the years that a date can hold."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 34:
        raise HuxinError("H1105", what=name)
    return float(value)


def _digest(jti: str) -> UUID:
    return UUID(bytes=hashlib.sha256(jti.encode("utf-8", "surrogatepass")).digest()[:16])
