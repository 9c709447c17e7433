"""A sandbox of one's own, made by its real night, and a client that holds the test members' keys."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sandbox_world import Sandboxed, sandboxed

# The demo's evening, and a leap day a few minutes after midnight in Shanghai.
CLOCKS = ("2026-05-31T22:00:00+08:00", "2028-02-29T00:10:00+08:00")


@pytest.fixture(scope="session", params=CLOCKS)
def box(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandboxed]:
    """One a clock, shared: for questions whose answers do not depend on what was asked before."""
    home: Path = tmp_path_factory.mktemp("sandbox")
    with sandboxed(home, datetime.fromisoformat(request.param)) as made:
        yield made


@pytest.fixture(scope="module")
def own_box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandboxed]:
    """One of a module, for tests that leave something behind."""
    with sandboxed(tmp_path_factory.mktemp("sandbox"), datetime.fromisoformat(CLOCKS[0])) as made:
        yield made
