"""A migrated database whose home has its keys."""

from __future__ import annotations

import pytest
from log_world import keyed

from huxin.settings import Settings


@pytest.fixture
def home(settings: Settings) -> Settings:
    return keyed(settings)
