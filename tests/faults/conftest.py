"""One server that may be killed, one forking worker, and the scenario rehearsed on them, once a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from fault_stage import Stage, Trial, Worker

from huxin.registry import embedded
from huxin.settings import Settings


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The scenario, each of its steps run undisturbed."""
    folder = tmp_path_factory.mktemp("faults")
    owner = Settings(home=folder / "server")
    server = embedded.ensure_started(owner)
    worker = Worker()
    try:
        with psycopg.connect(server.uri("postgres"), autocommit=True) as database:
            database.execute("ALTER SYSTEM SET fsync = off")  # a killed process loses nothing that it wrote
            database.execute("SELECT pg_reload_conf()")
        made = Stage(folder, server, worker)
        made.rehearse()
        yield made
    finally:
        worker.close()
        embedded.stop(owner)


@pytest.fixture
def begin(stage: Stage) -> Iterator[Callable[[str], Trial]]:
    """Makes a trial of a step; it is cleared away at the end."""
    made = []

    def trial(step: str) -> Trial:
        made.append(stage.trial(step))
        return made[-1]

    yield trial
    for each in made:
        stage.drop(each)
