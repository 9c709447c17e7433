"""The bench's blind part measures what it says; how much it gives is for the bench itself to tell."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from privacybench import oprf


def test_the_ratio_is_of_evaluations_to_multiplications(monkeypatch: pytest.MonkeyPatch) -> None:
    # Rounds as short as these are soon twice as long by the clock where others use the machine.
    monkeypatch.setattr(oprf, "time", SimpleNamespace(perf_counter=time.thread_time))
    found = oprf.measure(batch=40, rounds=7)
    assert set(found) == {"oprf_evaluate_ratio", "oprf_evaluations_per_s", "oprf_multiplications_per_s"}
    # An evaluation holds two multiplications and more, so a ratio of a half and above would measure something else.
    assert 0.1 < found["oprf_evaluate_ratio"] < 0.6
