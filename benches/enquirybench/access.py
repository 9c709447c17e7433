"""Keys and access tokens of the bench's members, got as any member's system gets them (private_key_jwt)."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

import jwt
import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from enquirybench.filler import member_code
from enquirybench.home import Filled
from enquirybench.statements import member_range
from huxin.ids import new_id
from huxin.registry.credentials import Credential, add_credential
from huxin.registry.session import connection

ISSUER = "http://127.0.0.1:8000"
_SCOPES = ("enquiries", "reservations")
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class MemberKey:
    """One member's private key and the number that the registry knows its public half by."""

    code: str
    id: UUID
    secret: Ed25519PrivateKey = field(repr=False)


def register_keys(source: Filled, members: int) -> list[MemberKey]:
    """Makes and registers a key for each of the first so many members."""
    first, _ = member_range(source)
    made = []
    now = datetime.now(UTC) - timedelta(minutes=1)
    with psycopg.connect(source.uri) as kept:
        kept.execute("DELETE FROM credential")  # of an earlier run in a database that is kept
    with connection(source.settings) as database:
        for place in range(min(members, source.book.members)):
            secret, key_id, code = Ed25519PrivateKey.generate(), new_id(), member_code(place + 1)
            public = secret.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            values = Credential(key_id, "member", first + place, code, "EdDSA", public, _SCOPES, now)
            add_credential(database, values)
            made.append(MemberKey(code, key_id, secret))
    return made


def access_tokens(port: int, keys: list[MemberKey]) -> list[bytes]:
    """An access token for each key, from the server at the port; they hold five minutes."""
    server = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        return [_token(server, key) for key in keys]
    finally:
        server.close()


def _token(server: http.client.HTTPConnection, key: MemberKey) -> bytes:
    form = urlencode(
        {
            "grant_type": "client_credentials",
            "client_assertion_type": _ASSERTION,
            "client_assertion": _assertion(key),
        }
    )
    server.request("POST", "/oauth/token", form, {"Content-Type": "application/x-www-form-urlencoded"})
    answer = server.getresponse()
    said = answer.read()
    if answer.status != 200:
        raise SystemExit(f"no access token: {answer.status} {said[:500].decode(errors='replace')}")
    return str(json.loads(said)["access_token"]).encode()


def _assertion(key: MemberKey) -> str:
    now = datetime.now(UTC)
    claims = {
        "iss": key.code,
        "sub": key.code,
        "aud": f"{ISSUER}/oauth/token",
        "jti": str(new_id()),
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(minutes=4)).timestamp()),
    }
    return jwt.encode(claims, key.secret, algorithm="EdDSA", headers={"kid": str(key.id)})
