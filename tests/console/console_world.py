"""What tests of the console share: a person of each role with his phone, and calls as a browser sends them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pyotp
from flask import Flask
from werkzeug.test import Client, TestResponse

from huxin.registry import people, people_links
from huxin.registry.session import connection
from huxin.settings import Settings

PASSWORD = "correct horse staple"
MORNING = datetime(2026, 6, 1, 1, 0, tzinfo=UTC)


@dataclass
class Clock:
    """The console's clock, put forward by hand."""

    at: datetime = MORNING

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **more: float) -> None:
        self.at += timedelta(**more)


@dataclass
class Somebody:
    """A browser, and who sits before it."""

    client: Client
    login: str = ""
    role: str = "anonymous"
    totp: str = ""
    id: UUID | None = None

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **more)

    def csrf(self, path: str = "/sign-in") -> str:
        """The token of forms, from a page as it was sent."""
        found = re.search(r'name="csrf" content="(\w+)"', self.get(path, follow_redirects=True).text)
        assert found
        return found[1]

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> TestResponse:
        token = {"csrf": self.csrf("/")}
        return self.client.post(path, data={**token, **(data or {})}, **more)


@dataclass
class Console:
    """The app on a fresh registry with members M0001 and M0002, and a person of each role."""

    app: Flask
    settings: Settings
    clock: Clock
    members: dict[str, int]
    people: dict[str, Somebody] = field(default_factory=dict)

    def stranger(self) -> Somebody:
        """A browser that nobody has signed in with."""
        return Somebody(self.app.test_client())

    def invited(self, login: str, role: str, member: str | None = None, **more: Any) -> str:
        """The path of a new person's link."""
        with connection(self.settings) as database:
            of = self.members[member] if member else people.NO_MEMBER
            id_ = people.add_person(database, login, role, of, "test", self.clock(), **more)
            return f"/join/{people_links.make_link(database, id_, people_links.JOIN, self.clock())}"

    def joined(self, login: str, role: str, member: str | None = None, **more: Any) -> Somebody:
        """Somebody who has joined by his link, and is signed in."""
        path = self.invited(login, role, member, **more)
        found = Somebody(self.app.test_client(), login, role)
        page = found.get(path).text
        shown = re.search(r'id="totp">(\w+)<', page)
        assert shown
        found.totp = shown[1]
        answer = self.join(found, path)
        assert answer.status_code == 303, answer.text
        with connection(self.settings) as database:
            known = people.find_login(database, login)
            assert known
            found.id = known.id
        self.people[role] = found
        return found

    def join(self, who: Somebody, path: str, **changes: str) -> TestResponse:
        """Sends the form of a link, right unless changed."""
        right = {"csrf": who.csrf(path), "password": PASSWORD, "again": PASSWORD, "code": self.code(who)}
        return who.client.post(path, data=right | changes)

    def code(self, who: Somebody) -> str:
        """What the phone shows."""
        return pyotp.TOTP(who.totp).at(int(self.clock().timestamp()))

    def sign_in(self, who: Somebody, **changes: str) -> TestResponse:
        """Sends the form of signing in, right unless changed; a code of another half-minute than the last."""
        self.clock.pass_(seconds=30)
        right = {"csrf": who.csrf(), "login": who.login, "password": PASSWORD, "code": self.code(who)}
        return who.client.post("/sign-in", data=right | changes)
