"""Members of a split platform: keys registered in the registry zone, tokens got there, calls to the zones' apps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from apiflask import APIFlask
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from werkzeug.test import TestResponse

from huxin.api.app import create_app
from huxin.api.oauth import ASSERTION_TYPE
from huxin.api.shell import Config
from huxin.api.zone_members import create_entry_app, create_intake_app
from huxin.ids import new_id
from huxin.registry.credentials import SCOPES, Credential, add_credential
from huxin.registry.members import add_members, find_member
from huxin.registry.session import connection
from huxin.settings import Settings
from huxin_privacy.enquiry_digest import digest_of_body
from support.zones import ISSUER, Split

CONFIG = Config(issuer=ISSUER, recheck_seconds=0)

# A question without its subject, as members put it.
BODY = {
    "purpose": "application",
    "amount": "50000.00",
    "product": "consumer",
    "consent_no": "C-1",
    "consent_until": "2026-12-31",
    "staff": "u1",
    "reference": "A-1",
}


@dataclass
class Zoned:
    """The three zones' apps, and the members' keys by code."""

    split: Split
    entry: APIFlask
    registry: APIFlask
    intake: APIFlask
    keys: dict[str, tuple[str, Any]] = field(default_factory=dict)

    def join(self, code: str, scopes: tuple[str, ...] = SCOPES) -> None:
        """Registers a member with a key."""
        settings = self.split.registry
        secret = generate_private_key(SECP256R1())
        public = secret.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        key_id = new_id()
        with connection(settings) as database:
            add_members(database, [(code, f"{code} 小贷")], settings.now())
            member = find_member(database, code)
            assert member
            made = Credential(key_id, "member", member.id, code, "ES256", public, scopes, settings.now())
            add_credential(database, made)
        self.keys[code] = str(key_id), secret

    def exchange(self, code: str, scope: str | None = None) -> TestResponse:
        """What the registry zone answers to a wish for a token."""
        key_id, secret = self.keys[code]
        now = int(self.split.registry.now().timestamp())
        claims = {
            "iss": code,
            "sub": code,
            "aud": f"{ISSUER}/oauth/token",
            "iat": now,
            "exp": now + 60,
            "jti": str(new_id()),
        }
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": jwt.encode(claims, secret, algorithm="ES256", headers={"kid": key_id}),
        }
        more = {} if scope is None else {"scope": scope}
        return self.registry.test_client().post("/oauth/token", data=form | more)

    def token(self, code: str, scope: str | None = None) -> str:
        answer = self.exchange(code, scope)
        assert answer.status_code == 200, answer.text
        return str(answer.json["access_token"])

    def ticket_answer(
        self, code: str, subject: dict[str, Any], body: dict[str, Any], token: str | None = None
    ) -> TestResponse:
        """What the entry zone answers to a wish for a ticket."""
        said = {"subject": subject, "enquiry_sha256": digest_of_body(body).hex()}
        return call(self.entry, "POST", "/v1/tickets", token or self.token(code, "tickets"), json=said)

    def ticket(self, code: str, subject: dict[str, Any], body: dict[str, Any]) -> str:
        answer = self.ticket_answer(code, subject, body)
        assert answer.status_code == 200, answer.text
        return str(answer.json["ticket"])

    def redeem(self, code: str, ticket: str, body: dict[str, Any], key: str | None = None) -> TestResponse:
        """What the registry zone answers to an enquiry with a ticket."""
        headers = {"Idempotency-Key": key or str(new_id())}
        said = {**body, "ticket": ticket}
        return call(self.registry, "POST", "/v1/enquiries", self.token(code), headers=headers, json=said)

    def ask(
        self, code: str, subject: dict[str, Any], body: dict[str, Any], key: str | None = None
    ) -> TestResponse:
        """A whole enquiry: by way of the entry zone to the registry zone."""
        return self.redeem(code, self.ticket(code, subject, body), body, key)


def call(
    app: APIFlask,
    method: str,
    path: str,
    token: str | None = None,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> TestResponse:
    named = {"Accept-Language": "en", **(headers or {})}
    if token is not None:
        named["Authorization"] = f"Bearer {token}"
    return app.test_client().open(path, method=method, headers=named, **more)


def code_of(response: TestResponse) -> str:
    assert response.content_type == "application/problem+json", response.text
    return str(json.loads(response.data)["code"])


@contextmanager
def zoned(split: Split) -> Iterator[Zoned]:
    """The apps of a split platform."""
    made = Zoned(split, *(_tested(each) for each in _apps(split)))
    yield made
    for app in (made.entry, made.registry, made.intake):
        desk = app.extensions.get("huxin_desk")
        if desk:
            desk.close()
        app.extensions["huxin"].live.close()


def _apps(split: Split) -> tuple[APIFlask, APIFlask, APIFlask]:
    settings: tuple[Settings, ...] = (split.entry, split.registry, split.intake)
    entry, registry, intake = settings
    return create_entry_app(entry, CONFIG), create_app(registry, CONFIG), create_intake_app(intake, CONFIG)


def _tested(app: APIFlask) -> APIFlask:
    app.testing = True
    return app
