"""PostgreSQL killed at any stage: the worker says so, no row in its words, and the same command goes on."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from fault_stage import STEPS, Stage, Trial

from huxin.faults import STAGES
from huxin.registry import embedded
from huxin.settings import Settings

Begin = Callable[[str], Trial]


@pytest.mark.parametrize("name", STAGES)
def test_killed_server(name: str, stage: Stage, begin: Begin) -> None:
    step = name.partition(".")[0]
    trial = begin(step if step in STEPS else "second")
    fault = {"HUXIN_FAULT": name, "HUXIN_FAULT_PID": str(stage.server.pid)}
    try:
        code = trial.run(fault)
        assert not embedded.status(Settings(home=stage.folder / "server")).running
    finally:
        stage.revive()
    assert code == 1, (code, trial.log)
    assert re.match(r"(WARNING .*\n)*H0\d{3} ", last_words(trial.log)), trial.log
    assert "Traceback" not in trial.log
    trial.finish()


def last_words(log: str) -> str:
    """What stands in the log behind the lines of --json."""
    return "".join(line for line in log.splitlines(keepends=True) if not line.startswith("{"))
