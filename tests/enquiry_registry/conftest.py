"""A registry with a few members and loans written straight in, and a pool on it as the API has one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from registry_world import Desk

from huxin.registry.live import Live
from huxin.settings import Settings


@pytest.fixture
def live(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """Patient: the pool opens one connection after the other, and sixteen at once may take a busy machine seconds."""
    monkeypatch.setattr("huxin.registry.live._WAIT_S", 60.0)
    made = Live(settings)
    yield made
    made.close()


@pytest.fixture
def desk(settings: Settings, live: Live) -> Desk:
    """Members 1 to 5, none of whom has reported."""
    made = Desk(settings, live)
    made.run(
        "INSERT INTO member (code, name, created_at) SELECT 'M' || n, 'M', now() FROM generate_series(1, 5) n"
    )
    return made
