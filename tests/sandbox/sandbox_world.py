"""A sandbox in a folder, with its own server, and calls to it as the test members make them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import jwt
from apiflask import APIFlask
from werkzeug.test import TestResponse

from huxin.api.oauth import ASSERTION_TYPE
from huxin.api.shell import Config
from huxin.cli.setup import prepare
from huxin.ids import new_id
from huxin.registry import embedded
from huxin.registry.session import forget_engine
from huxin.sandbox.app import create_sandbox
from huxin.sandbox.build import rebuild
from huxin.sandbox.keys import member_key
from huxin.sandbox.listing import enquiry_body
from huxin.sandbox.subjects import TestSubject, load_sandbox
from huxin.settings import Settings

CONFIG = Config(recheck_seconds=0)


@dataclass
class Sandboxed:
    """An app on a sandbox; `tokens` are those got so far, by member."""

    settings: Settings
    app: APIFlask
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, member: str) -> str:
        if member not in self.tokens:
            got = self.app.test_client().post("/oauth/token", data=self._form(member))
            assert got.status_code == 200, got.text
            self.tokens[member] = got.json["access_token"]
        return self.tokens[member]

    def call(
        self, method: str, path: str, member: str = "T9001", key: str | None = None, **more: Any
    ) -> TestResponse:
        headers = {
            "Authorization": f"Bearer {self.token(member)}",
            "Idempotency-Key": key or str(new_id()),
            "Accept-Language": "en",
        }
        return self.app.test_client().open(path, method=method, headers=headers, **more)

    def ask(
        self, subject: TestSubject, member: str = "T9001", key: str | None = None, **more: Any
    ) -> TestResponse:
        body = enquiry_body(subject, self.settings.today()) | more
        return self.call("POST", "/v1/enquiries", member, key, json=body)

    def reserve(self, enquiry: TestResponse, amount: int, member: str = "T9001") -> TestResponse:
        body = {
            "enquiry_id": enquiry.json["enquiry_id"],
            "amount": f"{amount}.00",
            "product": "consumer",
        }
        return self.call("POST", "/v1/reservations", member, json=body)

    def _form(self, member: str) -> dict[str, str]:
        key = member_key(self.settings, member)
        now = int(self.settings.now().timestamp())
        claims = {
            "iss": member,
            "sub": member,
            "aud": f"{CONFIG.issuer}/oauth/token",
            "iat": now,
            "exp": now + 60,
            "jti": str(new_id()),
        }
        secret = key.file.read_text(encoding="utf-8")
        signed = jwt.encode(claims, secret, algorithm="ES256", headers={"kid": str(key.id)})
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": signed,
        }


@contextmanager
def sandboxed(home: Path, now: datetime) -> Iterator[Sandboxed]:
    """A sandbox built at `now`, whose server is stopped afterwards."""
    settings = Settings(home=home, fixed_now=now)
    try:
        rebuild(settings, prepare)
        app = create_sandbox(settings, CONFIG)
        app.testing = True
        yield Sandboxed(settings, app)
        close(app)
    finally:
        forget_engine(settings)
        embedded.stop(settings)


def close(app: APIFlask) -> None:
    """Closes the app's connections."""
    app.extensions["huxin"].live.close()
    desk = app.extensions.get("huxin_desk")
    if desk:
        desk.close()


def subject(key: str) -> TestSubject:
    """The test subject of that key."""
    return next(each for each in load_sandbox().subjects if each.key == key)


def flags(answer: TestResponse) -> tuple[str, ...]:
    return tuple(flag["code"] for flag in answer.json["flags"])
