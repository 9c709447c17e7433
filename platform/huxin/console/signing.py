"""The rules of signing in: one answer for every failure, a wait that grows, a code that counts once."""

from __future__ import annotations

from datetime import datetime

from huxin.console.credentials import LONGEST, is_password, open_totp, step_of
from huxin.console.desk import desk
from huxin.console.visitor import now
from huxin.registry import people_sessions as sessions
from huxin.registry.audit_acts import note_act
from huxin.registry.people import Person, find_login, use_code
from huxin.registry.session import console_connection


def waits_until(login: str) -> datetime | None:
    """Until when nobody may try under this name."""
    with console_connection(desk().settings) as database:
        return sessions.wait_until(database, login[:64], now())


def prove(login: str, password: str, code: str) -> Person | None:
    """The person who has shown both, or None; which of them was wrong is told to nobody.

    The failure is counted before the password is looked at, so that many tries at once do not count as one.
    """
    settings, name = desk().settings, login[:64]
    with console_connection(settings) as database:
        sessions.note_failure(database, name, now())
        person = find_login(database, name)
    right = is_password(person.password if person else None, password[:LONGEST])
    if not right or person is None or not person.lives(now()) or not _is_code(person, code):
        return None
    with console_connection(settings) as database:
        sessions.clear_failures(database, name, now())
        facts = {"person": person.login, "role": person.role}
        note_act(database, "person.signed_in", facts, settings.now())
    return person


def _is_code(person: Person, code: str) -> bool:
    if person.totp is None:
        return False
    step = step_of(open_totp(desk().key("seal", "totp"), person.id, person.totp), code, now())
    if step is None:
        return False
    with console_connection(desk().settings) as database:
        return use_code(database, person.id, step, now())
