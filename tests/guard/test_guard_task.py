"""The task that a scheduler runs: counts, and of a fault its kind alone."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from guard_world import TODAY, Ask, Town, moment

from huxin.errors import HuxinError
from huxin.oversight import tasks


@pytest.fixture
def home(town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setenv("HUXIN_HOME", str(town.settings.home))
    monkeypatch.setenv("HUXIN_DATABASE_URL", str(town.settings.database_url))
    monkeypatch.setenv("HUXIN_NOW", moment(TODAY, 11).isoformat())
    return town


def test_it_returns_counts(home: Town) -> None:
    one = uuid4()
    home.ask(Ask(1, one, moment(TODAY, 9) + timedelta(minutes=n)) for n in range(12))
    assert tasks.run() == {"found": 1, "new": 1}
    assert home.kinds(1) == ["repeated"]


def test_a_fault_tells_its_kind_and_nothing_else(home: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUXIN_NOW", "2019-01-01T00:00:00+08:00")
    with pytest.raises(HuxinError) as told:
        tasks.run()
    assert (told.value.code, told.value.facts) == ("H1908", {"kind": "H1901"})

    def broken(*_: object) -> None:
        raise ValueError("11010519491231002X")

    monkeypatch.setattr(tasks, "run_guard", broken)
    with pytest.raises(HuxinError) as told:
        tasks.run()
    assert told.value.facts == {"kind": "ValueError"}
    assert told.value.__cause__ is None
    assert "1949" not in str(told.value)
