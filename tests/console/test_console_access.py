"""Routes × roles: the table of schemas/console/access.yaml, asked row by row. A route without a row fails."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from console_world import MORNING, Console, Somebody

from huxin.console.access import EVERYONE, access
from huxin.console.app import create_console
from huxin.registry.people import AUDITOR, OF_MEMBERS, ROLES
from huxin.settings import Settings

NOWHERE = "01890000-0000-7000-8000-000000000000"
STATIC = "GET /static/<path:filename>"


def served(app: Any) -> set[str]:
    """Each method and path of the app; HEAD and OPTIONS go with GET."""
    return {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


@pytest.fixture
def everybody(console: Console) -> dict[str, Somebody]:
    """One who has joined for each role, and one who has not."""
    for role in ROLES:
        member = "M0001" if role in OF_MEMBERS else None
        more = {"valid_until": MORNING + timedelta(days=9)} if role == AUDITOR else {}
        console.joined(role.replace("_", "."), role, member, **more)
    console.people["anonymous"] = console.stranger()
    return console.people


def test_every_route_has_a_row_and_every_row_a_route(tmp_path: Any) -> None:
    assert set(access()) == served(create_console(Settings(tmp_path))) - {STATIC}


def test_each_route_opens_to_the_roles_of_its_row_and_to_no_other(everybody: dict[str, Somebody]) -> None:
    """One world for the whole table: whoever is let past the gate meets whatever the page says of nothing."""
    wrong = []
    for route, allowed in access().items():
        if route == "POST /sign-out":
            continue
        for role, who in everybody.items():
            answer = ask(who, route)
            refused = answer.status_code == 403 or "/sign-in" in answer.headers.get("Location", "")
            if refused is (role in allowed or EVERYONE in allowed):
                wrong.append((route, role, answer.status_code))
    assert wrong == []


def ask(who: Somebody, route: str) -> Any:
    """A request that names nothing: path variables that lead nowhere, a form with no more than its token."""
    method, path = route.split(" ")
    path = re.sub(r"<(?:uuid:)?\w+>", NOWHERE, re.sub(r"<int:\w+>", "0", path))
    if method == "GET":
        return who.get(path)
    return who.client.open(path, method=method, data={"csrf": who.csrf("/")})


def test_what_is_open_to_everybody_is_named_here() -> None:
    """The list is short on purpose: whatever joins it is to be thought about."""
    assert {route for route, roles in access().items() if EVERYONE in roles} == {
        "GET /healthz",
        "GET /sign-in",
        "POST /sign-in",
        "POST /sign-out",
        "POST /language",
        "GET /join/<secret>",
        "POST /join/<secret>",
    }


def test_a_form_without_its_token_or_from_elsewhere_is_refused(everybody: dict[str, Somebody]) -> None:
    who = everybody["administrator"]
    token = who.csrf("/")
    assert who.client.post("/language", data={"language": "en"}).status_code == 403
    assert who.client.post("/language", data={"csrf": "0" * 64}).status_code == 403
    assert who.client.post("/language", data={"csrf": everybody["clerk"].csrf("/")}).status_code == 403
    for headers in ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert who.client.post("/language", data={"csrf": token}, headers=headers).status_code == 403
    assert who.client.post("/language", data={"csrf": token}).status_code == 303


def test_an_auditor_reads_and_does_no_more() -> None:
    """What changes nothing but himself aside. A search that is logged, with its reason, would be a GET."""
    acts = {route for route, roles in access().items() if AUDITOR in roles and not route.startswith("GET ")}
    assert acts == {"POST /account"}


def test_the_rooms_of_association_and_members_are_apart() -> None:
    """A line of the table that gives a role too much is seen here: pages of one side open to nobody of the other."""
    shared = {"/", "/account"}
    staff = {"/people", "/people.xlsx"}  # a member's administrator sees his own staff there
    for route, roles in access().items():
        path = route.split(" ")[1]
        if EVERYONE in roles or path in shared:
            continue
        if path.startswith("/my/"):
            assert roles <= {*OF_MEMBERS}, route
        elif path in staff or path.startswith("/people/"):
            assert "clerk" not in roles, route
        else:
            assert roles.isdisjoint(OF_MEMBERS), route
