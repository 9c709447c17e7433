"""A worker killed at any stage: the same command goes on, and all is as if nothing had happened."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest
from fault_stage import KILLED, STEPS, Stage, Trial

from huxin.faults import STAGES

Begin = Callable[[str], Trial]

SEED = int(os.environ.get("HUXIN_FAULT_SEED") or random.SystemRandom().randrange(10**6))
RANDOM_TRIALS = 25
# In the second night there is something to supersede, to end and to return; what it does not pass is the actions'.
ACTIONS = {name: name.partition(".")[0] for name in STAGES if name.partition(".")[0] in STEPS}


def test_the_scenario_passes_every_stage(stage: Stage) -> None:
    passed = {name for outcome in stage.outcomes.values() for name in outcome.passages}
    assert passed == set(STAGES)


def test_the_scenario_does_what_it_is_for(stage: Stage) -> None:
    first, second = stage.outcomes["first"].picture, stage.outcomes["second"].picture
    states = {name: sorted(_values(shown, "state")) for name, shown in (("first", first), ("second", second))}
    assert states == {"first": [5, 5, 5, 6], "second": [4, 5, 5, 5, 5, 5, 5, 5, 6, 6]}
    assert {1, 2, 3} <= set(_values(second, "ended_by", "loan"))
    assert len(second["loan_history"]) > 5
    assert len(second["returned"]) == 3
    assert any(stage.outcomes["second"].passages[name] > 1 for name in STAGES)


@pytest.mark.parametrize("name", STAGES)
def test_killed_once(name: str, stage: Stage, begin: Begin) -> None:
    trial = begin(ACTIONS.get(name, "second"))
    assert trial.run({"HUXIN_FAULT": name}) == KILLED, trial.log
    trial.finish()


@pytest.mark.parametrize("number", range(RANDOM_TRIALS))
def test_killed_at_random(number: int, stage: Stage, begin: Begin) -> None:
    """Anywhere in the scenario, and now and then a second time while going on. HUXIN_FAULT_SEED repeats a run."""
    chance = random.Random(f"{SEED}/{number}")
    places = [
        (step, f"{name}@{nth}")
        for step, outcome in stage.outcomes.items()
        for name, count in outcome.passages.items()
        for nth in range(1, count + 1)
    ]
    step, fault = chance.choice(places)
    print(f"HUXIN_FAULT_SEED={SEED} trial {number}: {step}, {fault}")
    trial = begin(step)
    assert trial.run({"HUXIN_FAULT": fault}) == KILLED, trial.log
    if chance.random() < 0.3:
        again = chance.choice([place for at, place in places if at == step])
        print(f"and once more: {again}")
        trial.run({"HUXIN_FAULT": again})
    trial.finish()


def _values(shown: dict[str, list[str]], name: str, table: str = "submission") -> list[int]:
    import json

    return [value for row in shown[table] if (value := json.loads(row)[name]) is not None]
