"""A home with keys and tables, its operators, and `huxin keys` on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from key_home import run_keys

from huxin.cli.setup import prepare
from huxin.settings import Settings
from support.operators import Operators


@pytest.fixture
def home(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    prepare(settings)
    assert settings.database_url
    monkeypatch.setenv("HUXIN_HOME", str(settings.home))
    monkeypatch.setenv("HUXIN_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("HUXIN_NOW", settings.now().isoformat())
    monkeypatch.setenv("HUXIN_LANG", "en")
    return settings


@pytest.fixture
def operators(home: Settings, tmp_path: Path) -> Operators:
    return Operators(home, tmp_path / "operators")


@pytest.fixture
def keys(home: Settings, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """`huxin keys …`: exit code, standard output, standard error."""

    def run(*words: Any) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run_keys([str(word) for word in words])
        said = capfd.readouterr()
        return code, said.out, said.err

    return run
