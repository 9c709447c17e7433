"""Access tokens: JWTs of RFC 9068, signed with Ed25519, for five minutes. Verified once a process, then remembered."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
class _Drawn:
    """The keys of every epoch that is not gone, the active one first; and what tells the file they were read of."""

    mark: object
    secrets: dict[int, Ed25519PrivateKey] = field(repr=False)
    publics: dict[str, Ed25519PublicKey]
    cursors: tuple[bytes, ...] = field(repr=False)


class Tokens:
    """Issues and verifies tokens. Keys are drawn from the keyring when first needed, and anew when it has changed."""

    def __init__(self, settings: Settings, issuer: str) -> None:
        self._settings = settings
        self._issuer = issuer
        self._known: dict[bytes, Known] = {}
        self._held: _Drawn | None = None

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
        epoch, secret = next(iter(self._drawn.secrets.items()))
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
        assert self._drawn.secrets

    @property
    def _issued_by(self) -> str:
        return self._issuer

    @property
    def cursor_keys(self) -> tuple[bytes, ...]:
        """Seal the cursors of pages: the first those that are made now, each those that may come back."""
        return self._drawn.cursors

    @property
    def _zone(self) -> str:
        """Whose keyring the keys are drawn from."""
        return "audit"

    @property
    def _drawn(self) -> _Drawn:
        # A look at the file costs two microseconds; a worker that lagged would refuse what another has issued.
        held, mark = self._held, keyring.file_mark(self._settings.keys_dir, self._zone)
        if held is None or held.mark != mark:
            held = self._held = _draw(keyring.open(self._settings.keys_dir, self._zone), mark)
        return held

    @property
    def _publics(self) -> dict[str, Ed25519PublicKey]:
        return self._drawn.publics


def _draw(ring: keyring.Keyring, mark: object) -> _Drawn:
    seeds = {epoch: ring.key("token-signing", "ed25519", epoch) for epoch in ring.usable()}
    secrets = {epoch: Ed25519PrivateKey.from_private_bytes(seed) for epoch, seed in seeds.items()}
    publics = {str(epoch): secret.public_key() for epoch, secret in secrets.items()}
    return _Drawn(mark, secrets, publics, tuple(ring.key("cursor", "hmac", epoch) for epoch in ring.usable()))


def _caller(claims: dict[str, Any]) -> Caller:
    return Caller(
        member_id=claims["member_id"],
        code=claims["sub"],
        role=claims["role"],
        scopes=frozenset(claims["scope"].split()),
        key_id=UUID(claims["key"]),
        skew=claims["skew"],
    )
