"""`huxin console people`: the first administrator, a member's clerk, a time-boxed auditor, and back in by command."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from console_world import Clock, Console
from sqlalchemy import text

from huxin.cli import main
from huxin.console.app import create_console
from huxin.console.config import Config, present
from huxin.registry.session import connection

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def huxin(console: Console, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    for name, value in (
        ("HOME", str(console.settings.home)),
        ("DATABASE_URL", str(console.settings.database_url)),
        ("LANG", "zh"),
    ):
        monkeypatch.setenv(f"HUXIN_{name}", value)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["huxin", "console", "people", *words])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_the_first_administrator_joins_by_the_printed_link(console: Console, huxin: Run) -> None:
    code, out, err = huxin("invite", "li.na", "--role", "administrator")
    assert code == 0
    assert "72" in err
    path = re.fullmatch(r"http://127\.0\.0\.1:8001(/join/[\w-]{43})\n", out)
    assert path
    console.clock = Clock(present())
    console.app = create_console(console.settings, Config(clock=console.clock))
    guest = console.stranger()
    shown = re.search(r'id="totp">(\w+)<', guest.get(path[1]).text)
    assert shown
    guest.totp = shown[1]
    assert console.join(guest, path[1]).status_code == 303
    assert huxin("list")[1].count("active") == 1
    code, out, _ = huxin("recover", "li.na")
    assert code == 0
    assert "/join/" in out
    assert guest.get("/").status_code == 303, "the session goes on"
    with connection(console.settings) as database:
        told = list(database.scalars(text("SELECT topic FROM outbox ORDER BY id")))
    assert told == ["person.invited", "person.joined", "person.recovery"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("invite", "Li Na", "--role", "administrator"), "H2001"),
        (("invite", "li.na", "--role", "emperor"), "H2003"),
        (("invite", "li.na", "--role", "clerk"), "H2003"),
        (("invite", "li.na", "--role", "steward", "--member", "M0001"), "H2003"),
        (("invite", "li.na", "--role", "clerk", "--member", "M9"), "H0701"),
        (("invite", "li.na", "--role", "auditor"), "H2009"),
        (("invite", "li.na", "--role", "auditor", "--days", "9999"), "H2009"),
        (("recover", "nobody"), "H2004"),
    ],
)
def test_what_is_wrong_is_said_and_nobody_is_made(
    console: Console, huxin: Run, words: tuple[str, ...], code: str
) -> None:
    ended, out, err = huxin(*words)
    assert ended == 2
    assert out == ""
    assert err.startswith(code)
    with connection(console.settings) as database:
        assert database.scalar(text("SELECT count(*) FROM person")) == 0


def test_the_key_lies_with_the_others_and_is_its_owners_alone(console: Console) -> None:
    console.stranger().get("/sign-in")
    file = Path(console.settings.keys_dir) / "console.kek"
    assert file.stat().st_mode & 0o777 == 0o600
