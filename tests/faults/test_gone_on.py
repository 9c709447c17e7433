"""Who goes on with what a kill left: the embedded server comes back by itself, and `huxin submit` finishes its file."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fault_nights import MEMBERS
from fault_picture import differences, picture
from fault_stage import KILLED, NOW, Stage, Trial

from huxin.registry import embedded
from huxin.registry.members import add_members
from huxin.registry.migrate import upgrade
from huxin.registry.session import connection, forget_engine
from huxin.settings import Settings

Begin = Callable[[str], Trial]


@pytest.mark.parametrize("name", ["receive.recorded", "validate.recorded", "pseudonymize.recorded"])
def test_the_same_file_submitted_by_hand_is_finished(name: str, stage: Stage, begin: Begin) -> None:
    trial = begin("first")
    assert trial.run({"HUXIN_FAULT": name}) == KILLED
    for member in MEMBERS:
        file = next(path for path in (trial.inbox / member).iterdir() if path.name.endswith((".csv", ".gz")))
        assert trial.run(command=["submit", str(file), "--member", member]) == 0, trial.log
    trial.finish()


def test_the_embedded_server_is_started_again_by_the_same_command(stage: Stage, begin: Begin) -> None:
    """Without HUXIN_DATABASE_URL nobody has to start it: at the latest the second command does."""
    trial = begin("first")
    settings = Settings(home=trial.home)
    try:
        server = embedded.ensure_started(settings)
        upgrade(settings)
        with connection(settings) as database:
            add_members(database, [(code, f"{code} 小贷") for code in MEMBERS], settings.now())
        forget_engine(settings)
        own = {"HUXIN_DATABASE_URL": "", "HUXIN_NOW": NOW}
        fault = {"HUXIN_FAULT": "load.arrived", "HUXIN_FAULT_PID": str(server.pid)}
        assert trial.run(own | fault) in (1, stage.outcomes["first"].code), trial.log
        assert "Traceback" not in trial.log
        assert trial.run(own) == stage.outcomes["first"].code, trial.log
        again = embedded.ensure_started(settings)
        assert again.pid != server.pid
        found = picture(again.uri(), trial.home, trial.inbox)
        assert differences(found, stage.outcomes["first"].picture) == []
    finally:
        embedded.stop(settings)
