"""An operator and a member's clerk at the console's pages; calls go through the whole app in this process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import pyotp
from flask import Flask
from sqlalchemy import text
from werkzeug.test import Client

from consolebench import member_side
from huxin.console.app import create_console
from huxin.console.config import Config
from huxin.registry import people, people_links
from huxin.registry.sequencing import drain
from huxin.registry.session import connection
from huxin.settings import Settings

_PASSWORD: Final = "correct horse staple"  # noqa: S105 - of a home that ends with the bench
_MONTH: Final = "since=2026-03-01&until=2026-05-31"
# What is in braces is looked up in the registry: the worst submission, a leaf, one member's words.
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
    "people": "/people",
    "audit": "/audit",
    "audit_topic": "/audit?topic=person.joined",
    "audit_leaf": "/audit/{leaf}",
    "audit_growth": "/audit/growth?from={leaf}&to={leaves}",
    "policy": "/policy",
    "policy_edit": "/policy/edit",
    "reminders_words": "/reminders/words",
}
# The same of a member: that of the submission with the most findings, with a file sent and a question asked just now.
MY_PAGES: Final = {
    "my_home": "/",
    "my_files": "/my/files",
    "my_file": "/my/files/{submission}",
    "my_file_now": "/my/files/{submission}/now",
    "my_rules": "/my/files/rules",
    "my_upload": "{upload}",
    "my_ask": "/my/ask",
    "my_answer": "/my/enquiries/{enquiry}",
    "my_enquiries": "/my/enquiries",
    "my_quality": "/my/quality",
    "my_keys": "/my/keys",
    "my_reminders": "/my/reminders",
    "my_start": "/my/start",
    "my_proof": "/my/proofs/{enquiry}",
    "my_growth": "/my/proofs/growth?from={leaf}&to={leaves}",
}
# Workbooks hold all that a list shows page by page, up to their limit: they are measured apart from pages.
WORKBOOKS: Final = {
    "people_xlsx": "/people.xlsx",
    "approvals_xlsx": "/approvals.xlsx",
    "audit_xlsx": "/audit.xlsx",
    "policy_xlsx": "/policy/export",
    "calendar_xlsx": "/calendar/export",
    "reports_xlsx": "/reports/export",
    "quality_xlsx": "/quality/export",
    "quality_member_xlsx": "/quality/M0007/export",
    "enquiries_xlsx": f"/enquiries/export?{_MONTH}",
    "alarms_xlsx": "/alarms/export",
    "sector_xlsx": "/sector/export",
    "members_xlsx": "/members/export",
    "reminders_xlsx": "/reminders/export",
}
MY_WORKBOOKS: Final = {
    "my_files_xlsx": "/my/files/export",
    "my_rules_xlsx": "/my/files/rules/export",
    "my_enquiries_xlsx": "/my/enquiries/export",
    "my_reservations_xlsx": "/my/reservations/export",
    "my_quality_xlsx": "/my/quality/export",
    "my_keys_xlsx": "/my/keys/export",
}
_OPERATORS: Final = PAGES | WORKBOOKS
_MEMBERS: Final = MY_PAGES | MY_WORKBOOKS


@dataclass
class Visit:
    """Browsers that are signed in, and what their addresses need to know."""

    operator: Client
    member: Client
    known: dict[str, str]

    def open(self, name: str) -> int:
        """Opens a page; its size in bytes. Raises RuntimeError for anything but a page."""
        client, pages = (self.member, _MEMBERS) if name in _MEMBERS else (self.operator, _OPERATORS)
        answer = client.get(pages[name].format_map(self.known))
        if answer.status_code != 200:
            raise RuntimeError(f"{name}: {answer.status_code}")
        return len(answer.data)


@contextmanager
def visiting(settings: Settings) -> Iterator[Visit]:
    """An administrator, and a member's administrator, who have joined by links, on the machine's clock."""
    with connection(settings) as database:
        query = "SELECT member_id, submission_id FROM finding LIMIT 1"
        member, submission = database.execute(text(query)).one()
        leaves = database.execute(text("SELECT max(size) FROM audit_checkpoint")).scalar_one()
    app = create_console(settings, Config(clock=lambda: datetime.now(UTC)))
    operator, _ = _joined(settings, app, "bench", people.ADMINISTRATOR, people.NO_MEMBER)
    clerk, token = _joined(settings, app, "bench.member", people.MEMBER_ADMINISTRATOR, member)
    known = {
        "submission": str(submission),
        "leaf": str(leaves // 3),
        "leaves": str(leaves),
        "upload": member_side.upload(clerk, token),
        "enquiry": str(member_side.ask(settings, clerk, token)),
    }
    drain(settings)  # what was asked just now has its leaf, too
    yield Visit(operator, clerk, known)


def _joined(settings: Settings, app: Flask, login: str, role: str, member: int) -> tuple[Client, str]:
    """A browser in which somebody has joined, and the token of its forms."""
    now = datetime.now(UTC)
    with connection(settings) as database:
        id_ = people.add_person(database, login, role, member, "bench", now)
        path = f"/join/{people_links.make_link(database, id_, people_links.JOIN, now)}"
    client = app.test_client()
    page = client.get(path).text
    secret = re.search(r'id="totp">(\w+)<', page)
    assert secret
    form = {
        "csrf": _token(page),
        "password": _PASSWORD,
        "again": _PASSWORD,
        "code": pyotp.TOTP(secret[1]).now(),
    }
    if client.post(path, data=form).status_code != 303:
        raise RuntimeError(f"{login} could not join")
    return client, _token(client.get("/").text)


def _token(page: str) -> str:
    found = re.search(r'name="csrf" content="(\w+)"', page)
    assert found
    return found[1]
