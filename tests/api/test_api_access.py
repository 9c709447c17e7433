"""Routes × roles: the table of schemas/api/access.yaml, asked row by row. A route without a row fails."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from api_world import World, code_of
from werkzeug.test import TestResponse

from huxin.api.app import described_app

TABLE = Path(__file__).parents[2] / "schemas" / "api" / "access.yaml"
ROLES = ("anonymous", "member", "member_without_scope", "suspended", "operator", "auditor")
# Which refusal a role meets where it meets one.
REFUSALS = {
    "anonymous": {401: "H1102"},
    "member_without_scope": {403: "H1114"},
    "suspended": {403: "H1113"},
    "operator": {403: "H1115"},
    "auditor": {403: "H1115"},
}


@lru_cache(maxsize=1)
def table() -> dict[str, dict[str, int]]:
    loaded: dict[str, dict[str, int]] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return loaded


def served() -> set[str]:
    """Each method and path of the app; HEAD goes with GET."""
    rules = described_app().url_map.iter_rules()
    return {f"{method} {rule.rule}" for rule in rules for method in (rule.methods or set()) - {"HEAD"}}


def empty(world: World, route: str, role: str) -> TestResponse:
    """A request that names nothing: path variables that lead nowhere, an empty object as body."""
    method, path = route.split(" ")
    for variable, value in (("<part>", "docs.css"), ("<uuid:", None), ("<", None)):
        while variable in path and (variable != "<part>" or value):
            begin = path.index(variable)
            path = (
                path[:begin]
                + (value or "01890000-0000-7000-8000-000000000000")
                + path[path.index(">", begin) + 1 :]
            )
    token = None if role == "anonymous" else world.token(role)
    more: dict[str, Any] = {} if method == "GET" else {"json": {}}
    return world.call(method, path, token, **more)


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert set(table()) == served()


@pytest.mark.parametrize("route", table())
def test_a_route_answers_each_role_as_the_table_says(world: World, route: str) -> None:
    wanted = table()[route]
    assert tuple(wanted) == ROLES
    got = {}
    for role in ROLES:
        response = empty(world, route, role)
        got[role] = response.status_code
        refusal = REFUSALS.get(role, {}).get(response.status_code)
        if refusal:
            assert code_of(response) == refusal
    assert got == wanted


def test_what_is_open_to_everybody_is_named_here() -> None:
    """The list is short on purpose: whatever joins it is to be thought about."""
    open_ = {route for route, wanted in table().items() if wanted["anonymous"] != 401}
    assert open_ == {
        "POST /oauth/token",
        "GET /.well-known/oauth-authorization-server",
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
        "GET /docs",
        "GET /docs/<part>",
        "GET /openapi.json",
    }


def test_a_suspended_member_reaches_whoami_only() -> None:
    reached = {
        route
        for route, wanted in table().items()
        if wanted["anonymous"] == 401 and wanted["suspended"] not in (401, 403)
    }
    assert reached == {"GET /v1/whoami"}
