"""A service that is told to stop again and again stops: a signal may come while another is being handled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from huxin.stopping import Signalled

# It handles every signal that was sent to it before it ends.
_SERVICE = """
import os, time
from huxin.stopping import stopped_by_signals
stop = stopped_by_signals()
print("up", flush=True)
while not stop.wait({wait}):
    pass
until = time.monotonic() + 1
while time.monotonic() < until:
    stop.set()
    assert stop.wait(0)
os._exit(0)  # on its ordinary way out Python gives signals back their own meaning
"""
_WAITS = (0.001, None)


@pytest.mark.parametrize("wait", _WAITS)
def test_a_storm_of_signals_stops_it(wait: float | None) -> None:
    service = subprocess.Popen(
        [sys.executable, "-c", _SERVICE.format(wait=wait)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert service.stdout is not None
        assert service.stdout.readline() == "up\n"
        until = time.monotonic() + 1.5  # as many as go, from two sides of its own second
        with suppress(ProcessLookupError):
            while time.monotonic() < until and service.poll() is None:
                os.kill(service.pid, signal.SIGTERM)
                os.kill(service.pid, signal.SIGINT)
        assert service.wait(120) == 0
    finally:
        service.kill()
        service.wait()


def test_a_wait_ends_in_time_untold_and_at_once_when_told() -> None:
    stop = Signalled()
    assert not stop.wait(0.01)
    for _ in range(70_000):  # more than a pipe holds
        stop.set()
    assert stop.is_set()
    assert stop.wait()
    assert stop.wait(), "who waits next is told as well"
