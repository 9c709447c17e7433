"""The demo's people at the console: an administrator of the association, and a clerk of the first member."""

from __future__ import annotations

from datetime import UTC, datetime

from huxin.registry import people, people_links
from huxin.registry.members import find_member
from huxin.registry.session import connection
from huxin.settings import Settings

WHO = (
    ("li.na", people.ADMINISTRATOR, None, ("协会管理员", "administrator of the association")),
    ("wang.fang", people.CLERK, "M0001", ("M0001 会员经办", "clerk of M0001")),
)


def invited(settings: Settings) -> list[tuple[str, tuple[str, str], str | None]]:
    """(login, words in both languages, secret of a fresh link or None) of each; who has joined gets no link."""
    now = datetime.now(UTC)
    found: list[tuple[str, tuple[str, str], str | None]] = []
    with connection(settings) as database:
        for login, role, member, words in WHO:
            there = people.find_login(database, login)
            of = find_member(database, member) if member else None
            id_ = (
                there.id
                if there
                else people.add_person(database, login, role, of.id if of else people.NO_MEMBER, "demo", now)
            )
            joined = there is not None and there.state != people.INVITED
            link = None if joined else people_links.make_link(database, id_, people_links.JOIN, now)
            found.append((login, words, link))
    return found
