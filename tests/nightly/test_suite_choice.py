"""The suite is chosen at `huxin init`, once; a night and enquiries under SM say what they say under S256."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from huxin.cli import main
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.generations import suite_of

Init = Callable[..., tuple[int, str]]


@pytest.fixture
def init(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Init:
    """`huxin init` with options: exit code, and what it told."""
    monkeypatch.setenv("HUXIN_HOME", str(settings.home))
    monkeypatch.setenv("HUXIN_DATABASE_URL", str(settings.database_url))
    monkeypatch.setenv("HUXIN_LANG", "en")

    def run(*options: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["huxin", "init", *options])
        with pytest.raises(SystemExit) as stop:
            main()
        return int(stop.value.code or 0), capsys.readouterr().err

    return run


def _suite(settings: Settings) -> str:
    return suite_of(keyring.open(settings.keys_dir, "entry")).name


def test_a_home_gets_the_suite_it_is_made_with_and_keeps_it(init: Init, settings: Settings) -> None:
    assert init("--suite", "SM")[0] == 0
    before = {path: path.read_bytes() for path in settings.keys_dir.iterdir()}
    assert init()[0] == init("--suite", "SM")[0] == 0
    code, told = init("--suite", "S256")
    assert (code, told[:5]) == (2, "H0104")
    assert "huxin keys new" in told
    assert {path: path.read_bytes() for path in settings.keys_dir.iterdir()} == before
    assert _suite(settings) == "SM"


def test_without_a_word_it_is_s256(init: Init, settings: Settings) -> None:
    assert init()[0] == 0
    assert _suite(settings) == "S256"
    assert init("--suite", "SM")[1].startswith("H0104")


def test_a_suite_that_is_none_makes_nothing(init: Init, settings: Settings) -> None:
    code, told = init("--suite", "sm4")
    assert (code, told[:5]) == (2, "P0101")
    assert "S256, SM" in told
    assert not settings.home.exists()
