"""One home for every attack, under each suite: the whole ten thousand under the default one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dumped_home import DumpedHome, dumped_home

from huxin.registry import embedded
from huxin.registry.session import forget_engine

PEOPLE = {"S256": 10_000, "SM": 1_000}


@pytest.fixture(scope="session", params=PEOPLE)
def dumped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DumpedHome]:
    """A home after its night and its enquiries, with its dump."""
    made = dumped_home(tmp_path_factory.mktemp("dumped"), PEOPLE[request.param], request.param)
    yield made
    forget_engine(made.settings)
    embedded.stop(made.settings)
