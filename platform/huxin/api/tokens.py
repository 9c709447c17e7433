"""Access tokens: JWTs of RFC 9068, signed with Ed25519, for five minutes. Verified once a process, then remembered."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from huxin.api.caller import Caller, Known
from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.registry import credentials
from huxin.registry.live import Live
from huxin.settings import Settings
from huxin_privacy import keyring

LIFETIME = 300  # seconds
MOST_KNOWN = 4096
_TYPE = "at+jwt"
# Longer than any token of ours: what is longer is not even hashed.
_LONGEST = 4096
_OPTIONS: Any = {
    "require": ["iss", "aud", "sub", "exp", "nbf"],
    # The clock is the settings' (HUXIN_NOW), so times are compared here.
    **{f"verify_{claim}": False for claim in ("exp", "nbf", "iat")},
}


class Tokens:
    """Issues and verifies tokens. Keys are drawn from the keyring when first needed, every epoch that is not gone."""

    def __init__(self, settings: Settings, issuer: str) -> None:
        self._settings = settings
        self._issuer = issuer
        self._known: dict[bytes, Known] = {}

    def issue(self, caller: Caller) -> str:
        """A token that says who `caller` is, valid for LIFETIME seconds from now."""
        now = int(self._settings.now().timestamp())
        claims = {
            "iss": self._issuer,
            "aud": self._issuer,
            "sub": caller.code,
            "client_id": caller.code,
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME,
            "jti": str(new_id()),
            "scope": " ".join(sorted(caller.scopes)),
            "member_id": caller.member_id,
            "role": caller.role,
            "key": str(caller.key_id),
            "skew": caller.skew,
        }
        epoch, secret = next(iter(self._secrets.items()))
        return jwt.encode(claims, secret, algorithm="EdDSA", headers={"typ": _TYPE, "kid": str(epoch)})

    def known(self, token: str) -> Known:
        """The verified token; H1103 when it is none of ours, H1104 when it is not valid now."""
        if len(token) > _LONGEST:
            raise HuxinError("H1103")
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        found = self._known.get(digest)
        now = self._settings.now()
        if found is None:
            found = self._verified(token)
        if not found.begins <= now.timestamp() < found.expires:
            self._known.pop(digest, None)
            raise HuxinError("H1104", now=now.isoformat(timespec="seconds"))
        self._remember(digest, found)
        return found

    def _remember(self, digest: bytes, token: Known) -> None:
        if digest in self._known:
            return
        # Dictionaries keep order: the first is the oldest. A list, since another thread may do the same.
        for old in list(self._known)[: max(0, len(self._known) - MOST_KNOWN + 1)]:
            self._known.pop(old, None)
        self._known[digest] = token

    def _verified(self, token: str) -> Known:
        try:
            head = jwt.get_unverified_header(token)
            public = self._publics.get(str(head.get("kid")))
            if public is None or head.get("typ") != _TYPE:
                raise HuxinError("H1103")
            claims = jwt.decode(
                token,
                public,
                algorithms=["EdDSA"],
                audience=self._issued_by,
                issuer=self._issued_by,
                options=_OPTIONS,
            )
        except jwt.PyJWTError:
            raise HuxinError("H1103") from None
        return Known(_caller(claims), begins=claims["nbf"], expires=claims["exp"])

    def standing(self, live: Live, key_id: UUID) -> tuple[bool, str]:
        """Whether the key that a token was got with is live now, and its member's status."""
        return credentials.standing(live, key_id)

    def prepare(self) -> None:
        """Reads the keyring, so that a worker without it is known before the first token."""
        assert self._secrets

    @property
    def _issued_by(self) -> str:
        return self._issuer

    @cached_property
    def cursor_key(self) -> bytes:
        """Seals the cursors of pages."""
        return self._ring.key("cursor", "hmac")

    @cached_property
    def _ring(self) -> keyring.Keyring:
        zone = "audit" if "audit" in keyring.ZONES else "registry"
        return keyring.open(self._settings.keys_dir, zone)

    @cached_property
    def _secrets(self) -> dict[int, Ed25519PrivateKey]:
        seeds = {epoch: self._ring.key("token-signing", "ed25519", epoch) for epoch in self._ring.usable()}
        return {epoch: Ed25519PrivateKey.from_private_bytes(seed) for epoch, seed in seeds.items()}

    @cached_property
    def _publics(self) -> dict[str, Ed25519PublicKey]:
        return {str(epoch): secret.public_key() for epoch, secret in self._secrets.items()}


def _caller(claims: dict[str, Any]) -> Caller:
    return Caller(
        member_id=claims["member_id"],
        code=claims["sub"],
        role=claims["role"],
        scopes=frozenset(claims["scope"].split()),
        key_id=UUID(claims["key"]),
        skew=claims["skew"],
    )
