"""Which tests of a `world` are run by one process, and which ones also split into zones."""

from __future__ import annotations

import os

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each in one process; those marked `both_ways`, and with HUXIN_BOTH_WAYS=1 all, also in three zones."""
    if "way" in metafunc.fixturenames:
        both = os.environ.get("HUXIN_BOTH_WAYS") == "1"
        both = both or metafunc.definition.get_closest_marker("both_ways") is not None
        metafunc.parametrize("way", ["one", "zones"] if both else ["one"])
