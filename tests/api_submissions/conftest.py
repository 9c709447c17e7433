"""An API on a fresh registry, two members with keys, one suspended, and an auditor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from http_world import World, made
from night_tools import ready

from huxin.registry.session import forget_engine
from huxin.settings import Settings


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pool opens one connection after the other, and five at once may take a busy machine seconds."""
    monkeypatch.setattr("huxin.registry.live._WAIT_S", 60.0)


@pytest.fixture
def world(settings: Settings, tmp_path: Path) -> Iterator[World]:
    ready(settings)
    yield made(settings, tmp_path / "files")
    forget_engine(settings)
