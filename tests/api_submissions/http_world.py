"""A member's program as it calls the API: tokens, forms, and what came of them."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from night_tools import book, sent
from werkzeug.test import TestResponse

from huxin.api.app import create_app
from huxin.api.caller import Caller
from huxin.api.shell import NAME, Config
from huxin.ids import new_id
from huxin.nightly.worker import Patience, work_round
from huxin.registry.credentials import Credential, add_credential
from huxin.registry.members import find_member, set_status
from huxin.registry.session import connection
from huxin.settings import Settings
from support.rows import write_submission

ME, OTHER, SUSPENDED = "M0001", "M0002", "M0003"
ROWS = list[dict[str, str]]


@dataclass
class World:
    """An app, a token for each who calls it, and a folder that a member's files lie in."""

    app: APIFlask
    settings: Settings
    folder: Path
    tokens: dict[str, str]
    made: int = field(default=0)

    def call(self, method: str, path: str, who: str | None = ME, **more: Any) -> TestResponse:
        headers = dict(more.pop("headers", {}))
        if who is not None:
            headers["Authorization"] = f"Bearer {self.tokens[who]}"
        return self.app.test_client().open(path, method=method, headers=headers, **more)

    def get(self, path: str, who: str | None = ME, **more: Any) -> TestResponse:
        return self.call("GET", path, who, **more)

    def written(self, rows: ROWS | None = None, member: str = ME, **more: Any) -> Path:
        """A data file with its manifest."""
        self.made += 1
        more.setdefault("file_name", f"loans_{self.made}.csv")
        return write_submission(self.folder, member, rows if rows is not None else book(member), **more)

    def post(self, data: Path, who: str = ME, path: str = "/v1/submissions", name: str = "") -> TestResponse:
        return self.form(
            {
                "file": (io.BytesIO(data.read_bytes()), name or data.name),
                "manifest": (io.BytesIO(sent(data)), "m.json"),
            },
            who,
            path,
        )

    def form(self, parts: dict[str, Any], who: str = ME, path: str = "/v1/submissions") -> TestResponse:
        return self.call("POST", path, who, data=parts, content_type="multipart/form-data")

    def filed(self, rows: ROWS | None = None, member: str = ME, **more: Any) -> dict[str, Any]:
        """A file sent and worked; the submission as it is then."""
        response = self.post(self.written(rows, member, **more), member)
        assert response.status_code == 201, response.text
        self.work()
        shown = self.get(f"/v1/submissions/{response.json['id']}", member)
        assert shown.status_code == 200, shown.text
        return dict(shown.json)

    def work(self) -> int:
        return work_round(self.settings, Patience())


def made(settings: Settings, folder: Path, roles: Sequence[tuple[str, str]] = ()) -> World:
    """The app, and tokens for two members, a suspended one and an auditor."""
    app = create_app(settings, Config(recheck_seconds=0))
    tokens = {}
    with connection(settings) as database:
        set_status(database, SUSPENDED, "suspended")
        for role, code in (
            ("member", ME),
            ("member", OTHER),
            ("member", SUSPENDED),
            ("auditor", "eyes"),
            *roles,
        ):
            member = find_member(database, code)
            number = member.id if member else 0
            key = Credential(
                new_id(), role, number, code, "ES256", b"", ("submissions", "audit"), settings.now()
            )
            add_credential(database, key)
            caller = Caller(number, code, role, frozenset(key.scopes), key.id)
            tokens[code] = app.extensions[NAME].tokens.issue(caller)
    return World(app, settings, folder, tokens)


def smaller(world: World, **changes: Any) -> None:
    """Other limits."""
    shell = world.app.extensions[NAME]
    world.app.extensions[NAME] = replace(shell, config=replace(shell.config, **changes))


def code_of(response: TestResponse) -> str:
    """The code of a problem."""
    assert response.content_type == "application/problem+json", response.text
    return str(response.json["code"])


def until(done: Any, seconds: float = 180.0) -> Any:
    """What `done` gives once that is anything."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := done():
            return found
        time.sleep(0.05)
    raise AssertionError("it never came")
