"""An operator at the console's pages, as the tests sign one in; calls go through the whole app in this process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import pyotp
from sqlalchemy import text
from werkzeug.test import Client

from huxin.console.app import create_console
from huxin.console.config import Config
from huxin.registry import people, people_links
from huxin.registry.session import connection
from huxin.settings import Settings

_PASSWORD: Final = "correct horse staple"  # noqa: S105 - of a home that ends with the bench
_MONTH: Final = "since=2026-03-01&until=2026-05-31"
# What is in braces is looked up in the registry: the worst submission, one member's words.
PAGES: Final = {
    "home": "/",
    "members": "/members",
    "members_sought": "/members?q=07&status=active",
    "member": "/members/M0007",
    "approvals": "/approvals",
    "calendar": "/calendar",
    "calendar_late": "/calendar/late",
    "calendar_member": "/calendar/members/M0007",
    "reports": "/reports",
    "reports_refused": "/reports?state=refused",
    "reports_member": "/reports?member=M0007",
    "report": "/reports/{submission}",
    "quality": "/quality",
    "quality_member": "/quality/M0007",
    "enquiries": f"/enquiries?{_MONTH}",
    "enquiries_member": f"/enquiries?{_MONTH}&member=M0007",
    "enquiries_purpose": f"/enquiries?{_MONTH}&purpose=post_loan",
    "enquiries_staff": f"/enquiries?{_MONTH}&staff=S-7",
    "enquiries_consent": f"/enquiries?{_MONTH}&consent_no=SQ77",
    "enquiries_handle": f"/enquiries?{_MONTH}&member=M0007&handle={'0' * 32}",
    "alarms": "/alarms",
    "sector": "/sector",
}


@dataclass
class Visit:
    """A browser that is signed in, and what its addresses need to know."""

    client: Client
    submission: str

    def open(self, name: str) -> int:
        """Opens a page; its size in bytes. Raises RuntimeError for anything but a page."""
        answer = self.client.get(PAGES[name].format(submission=self.submission))
        if answer.status_code != 200:
            raise RuntimeError(f"{name}: {answer.status_code}")
        return len(answer.data)


@contextmanager
def visiting(settings: Settings) -> Iterator[Visit]:
    """An administrator who has joined by a link, on the machine's clock."""
    now = datetime.now(UTC)
    with connection(settings) as database:
        id_ = people.add_person(database, "bench", people.ADMINISTRATOR, people.NO_MEMBER, "bench", now)
        path = f"/join/{people_links.make_link(database, id_, people_links.JOIN, now)}"
        query = "SELECT submission_id FROM finding LIMIT 1"
        submission = str(database.execute(text(query)).scalar_one())
    client = create_console(settings, Config(clock=lambda: datetime.now(UTC))).test_client()
    page = client.get(path).text
    secret, token = re.search(r'id="totp">(\w+)<', page), re.search(r'name="csrf" content="(\w+)"', page)
    assert secret
    assert token
    code = pyotp.TOTP(secret[1]).now()
    form = {"csrf": token[1], "password": _PASSWORD, "again": _PASSWORD, "code": code}
    if client.post(path, data=form).status_code != 303:
        raise RuntimeError("the bench's operator could not join")
    yield Visit(client, submission)
