"""What tests of the API share: holders of keys, their assertions, and calls with or without a token."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt
from apiflask import APIFlask
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Connection
from werkzeug.test import TestResponse

from huxin.api.oauth import ASSERTION_TYPE
from huxin.ids import new_id
from huxin.registry.credentials import SCOPES, Credential, add_credential
from huxin.settings import Settings
from huxin_privacy.client import ticket_wish, with_ticket

ISSUER = "http://127.0.0.1:8000"
# A resident ID number of nobody (region 110101, an invented birthday, right check digit), planted in every place.
PLANTED = "110101199001011237"
__all__ = ["ISSUER", "PLANTED", "SCOPES", "Holder", "World", "new_holder"]


@dataclass(frozen=True)
class Holder:
    """Who holds a private key, and under which number its public half is registered."""

    code: str
    key_id: UUID
    secret: Any
    public: bytes
    member_id: int


def new_holder(
    database: Connection, settings: Settings, role: str, member_id: int, code: str, scopes: tuple[str, ...]
) -> Holder:
    """Registers a new P-256 key."""
    secret = generate_private_key(SECP256R1())
    public = secret.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key_id = new_id()
    made = Credential(key_id, role, member_id, code, "ES256", public, scopes, settings.now())
    add_credential(database, made)
    return Holder(code, key_id, secret, public, member_id)


@dataclass
class World:
    """An app on a registry, and who may call it. `entry` is the entry zone's app, where the platform is split."""

    app: APIFlask
    settings: Settings
    holders: dict[str, Holder]
    entry: APIFlask | None = None

    def claims(self, holder: Holder, **changes: Any) -> dict[str, Any]:
        """What a right assertion says; a change to None leaves the claim out."""
        now = int(self.settings.now().timestamp())
        right = {
            "iss": holder.code,
            "sub": holder.code,
            "aud": f"{ISSUER}/oauth/token",
            "iat": now,
            "exp": now + 60,
            "jti": str(new_id()),
        }
        return {name: value for name, value in (right | changes).items() if value is not None}

    def assertion(self, holder: Holder, *, kid: str | None = None, **changes: Any) -> str:
        headers = {"kid": kid or str(holder.key_id)}
        return jwt.encode(self.claims(holder, **changes), holder.secret, algorithm="ES256", headers=headers)

    def exchange(self, assertion: str, headers: Any = None, **more: Any) -> TestResponse:
        """POST /oauth/token."""
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
        wanted = {name: value for name, value in (form | more).items() if value is not None}
        return self.app.test_client().post("/oauth/token", data=wanted, headers=headers)

    def token(self, who: str, **more: Any) -> str:
        """An access token, got as anybody gets it."""
        response = self.exchange(self.assertion(self.holders[who]), **more)
        assert response.status_code == 200, response.text
        return str(response.json["access_token"])

    def call(
        self,
        method: str,
        path: str,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> TestResponse:
        named = dict(headers or {})
        if token is not None:
            named["Authorization"] = f"Bearer {token}"
        return self.app.test_client().open(path, method=method, headers=named, **more)

    def enquire(self, who: str, body: dict[str, Any], headers: dict[str, str]) -> TestResponse:
        """POST /v1/enquiries; by ticket where the platform is split, or the entry zone's refusal to give one."""
        said, wish = body, ticket_wish(body)
        if self.entry and wish:
            named = {"Authorization": f"Bearer {self.token(who, scope='tickets')}"}
            given = self.entry.test_client().post("/v1/tickets", headers=named, json=wish)
            if given.status_code != 200:
                return given
            said = with_ticket(body, given.json["ticket"])
        elif self.entry:
            said = with_ticket(body, None)
        return self.call("POST", "/v1/enquiries", self.token(who), headers, json=said)


def code_of(response: TestResponse) -> str:
    """The code of a problem, whose shape is checked on the way."""
    assert response.content_type == "application/problem+json", response.text
    body = json.loads(response.data)
    assert body["status"] == response.status_code
    assert body["type"] == f"/docs#{body['code']}"
    assert response.headers["Cache-Control"] == "no-store"
    return str(body["code"])
