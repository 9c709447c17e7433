"""A fresh world for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hostile_world import World, worlds

from huxin.settings import Settings


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    with worlds(settings) as made:
        yield made
