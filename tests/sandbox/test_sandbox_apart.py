"""The sandbox is made anew under whoever is served, and leaves the real registry as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from sandbox_world import Sandboxed, flags, subject
from sqlalchemy import Engine, inspect, text

from huxin.cli.setup import prepare
from huxin.contract import State
from huxin.registry import embedded
from huxin.registry.session import connection, forget_engine
from huxin.registry.submissions import every
from huxin.sandbox.build import rebuild
from huxin.sandbox.home import sandbox_environment
from huxin.sandbox.keeping import keep, until_midnight
from huxin.sandbox.keys import member_key
from huxin.settings import Settings


def test_a_reset_restores_everything_while_it_is_served(own_box: Sandboxed) -> None:
    clean = subject("clean")
    mine = own_box.ask(clean)
    assert own_box.reserve(mine, 20_000).status_code == 201
    assert flags(own_box.ask(clean, "T9002")) == ("STACKING",)
    forget_engine(own_box.settings)
    rebuild(own_box.settings, prepare)
    # The same app, the same tokens, a new registry.
    assert flags(own_box.ask(clean, "T9002")) == ()
    gone = own_box.call("GET", f"/v1/enquiries/{mine.json['enquiry_id']}")
    assert (gone.status_code, gone.json["code"]) == (404, "H1205")


def test_keys_outlive_a_reset_and_only_the_owner_reads_them(own_box: Sandboxed) -> None:
    before = member_key(own_box.settings, "T9001")
    content = before.file.read_bytes()
    forget_engine(own_box.settings)
    rebuild(own_box.settings, prepare)
    assert member_key(own_box.settings, "T9001") == before
    assert before.file.read_bytes() == content
    assert before.file.stat().st_mode & 0o777 == 0o600


def test_its_files_went_through_the_night_without_a_finding(own_box: Sandboxed) -> None:
    with connection(own_box.settings) as database:
        items = every(database)
    assert len(items) == 9
    assert {(each.state, each.rejected, each.warned) for each in items} == {(State.PUBLISHED, 0, 0)}


@pytest.mark.parametrize("fails", [True, False])
def test_a_build_that_fails_leaves_what_was(
    own_box: Sandboxed, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    def fill(*_: object) -> None:
        raise RuntimeError("on purpose")

    forget_engine(own_box.settings)
    if fails:
        monkeypatch.setattr("huxin.sandbox.build.fill", fill)
        with pytest.raises(RuntimeError):
            rebuild(own_box.settings, prepare)
    else:
        rebuild(own_box.settings, prepare)
    assert own_box.ask(subject("overdue")).json["outcome"] == "refer"


def test_nothing_of_it_reaches_the_real_home(
    settings: Settings, engine: Engine, server: embedded.Server, tmp_path: Path
) -> None:
    """As an operator would run it: with the real registry's address and keys in the environment."""
    real = tmp_path / "real"
    named = {"HUXIN_HOME": str(real), "HUXIN_DATABASE_URL": str(settings.database_url), "HUXIN_LANG": "en"}
    named |= {"HUXIN_KEK_ENTRY": "not base64", "HUXIN_NOW": "2001-01-01T00:00:00+08:00"}
    before = rows(engine)
    done = subprocess.run(
        [sys.executable, "-m", "huxin", "sandbox", "reset"],
        env={**os.environ, **named},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert rows(engine) == before
    assert sum(before.values()) < 50, "the real registry is an empty one"
    assert [each.name for each in real.iterdir()] == ["sandbox"]
    described = json.loads((real / "sandbox" / "members" / "T9001.json").read_text(encoding="utf-8"))
    assert (real / "sandbox" / "members" / described["private_key"]).is_file()
    assert not embedded.status(Settings(home=real / "sandbox")).running


def rows(engine: Engine) -> dict[str, int]:
    """How many rows stand in each table."""
    with engine.connect() as opened:
        names = inspect(opened).get_table_names()
        return {name: opened.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one() for name in names}


def test_its_environment_leads_to_nothing_real() -> None:
    env = {
        "HUXIN_HOME": "/srv/huxin",
        "HUXIN_DATABASE_URL_FILE": "/run/secrets/url",
        "HUXIN_KEK_AUDIT": "x",
        "HUXIN_KEK_DIR": "/run/secrets",
        "HUXIN_PG_PORT": "5432",
        "HUXIN_LANG": "en",
        "PATH": "/bin",
    }
    assert sandbox_environment(env) == {
        "HUXIN_HOME": "/srv/huxin/sandbox",
        "HUXIN_LANG": "en",
        "PATH": "/bin",
    }


def test_it_is_made_anew_after_midnight(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    now = datetime.fromisoformat("2026-05-31T23:50:00+08:00")
    assert until_midnight(now) == 15 * 60
    made: list[Settings] = []
    monkeypatch.setattr("huxin.sandbox.keeping.rebuild", lambda settings, _: made.append(settings))
    waited: list[float] = []

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        return len(waited) == 3

    settings = Settings(home=tmp_path, fixed_now=now)
    keep(settings, prepare, wait)
    assert (made, waited) == ([settings, settings], [900.0] * 3)
