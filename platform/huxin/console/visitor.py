"""Who is at the other end: the cookie, the session behind it, the person whose it is."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from flask import Response, g, request

from huxin.console.desk import desk
from huxin.errors import HuxinError
from huxin.registry import people_sessions as sessions
from huxin.registry.people import Person, find_person
from huxin.registry.session import console_connection

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass
class Visitor:
    """`token` is what the cookie holds; `person` is None until somebody has signed in under it."""

    token: str
    person: Person | None = None
    fresh: bool = False

    @property
    def csrf(self) -> str:
        return desk().csrf(self.token)


def now() -> datetime:
    """The moment by which sessions and codes are judged."""
    return desk().config.clock()


def recognise() -> Visitor:
    """The visitor of the present request, kept for the length of it."""
    token = request.cookies.get(cookie_name(), "")
    if not _TOKEN.fullmatch(token):
        g.visitor = Visitor(secrets.token_urlsafe(32), fresh=True)
    else:
        g.visitor = Visitor(token, _person(token))
    found: Visitor = g.visitor
    return found


def _person(token: str) -> Person | None:
    config = desk().config
    with console_connection(desk().settings) as database:
        id_ = sessions.whose(database, token, now(), config.idle, config.longest)
        person = find_person(database, id_) if id_ else None
    return person if person and person.lives(now()) else None


def visitor() -> Visitor:
    """The visitor of the present request."""
    found = g.get("visitor")
    return found if isinstance(found, Visitor) else recognise()


def someone() -> Person:
    """The person who has signed in; for views that nobody else reaches."""
    person = visitor().person
    if person is None:
        raise HuxinError("H2004", login="-")
    return person


def sign_in(person: Person) -> None:
    """A new session under a new cookie: whatever was known of the old one is worth nothing."""
    token = secrets.token_urlsafe(32)
    with console_connection(desk().settings) as database:
        sessions.end(database, visitor().token)
        sessions.sweep(database, now(), desk().config.idle, desk().config.longest)
        sessions.begin(database, token, person.id, now())
    g.visitor = Visitor(token, person, fresh=True)


def sign_out() -> None:
    """Ends the session; the cookie that follows is nobody's."""
    with console_connection(desk().settings) as database:
        sessions.end(database, visitor().token)
    g.visitor = Visitor(secrets.token_urlsafe(32), fresh=True)


def cookie_name() -> str:
    """With TLS the browser itself holds it to this host, path and transport (RFC 6265bis, 4.1.3.2)."""
    return "__Host-huxin" if desk().config.secure else "huxin"


def set_cookie(response: Response) -> None:
    """Sends the cookie where it is new; it ends with the browser."""
    found = g.get("visitor")
    if isinstance(found, Visitor) and found.fresh:
        secure = desk().config.secure
        response.set_cookie(
            cookie_name(), found.token, secure=secure, httponly=True, samesite="Lax", path="/"
        )
