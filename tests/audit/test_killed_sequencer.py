"""A sequencer killed at any stage: the next one finds a whole log, and every row becomes one leaf, once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from log_world import ask_many, head_of, keys_of, put, receipt_of, run_sql

from huxin.faults import AUDIT_STAGES
from huxin.registry.audit_verify import verify_log
from huxin.registry.sequencing import drain
from huxin.settings import Settings
from huxin_privacy.receipts import verify_receipt

PROGRAM = "import sys; from huxin.cli import main; sys.argv = ['huxin', *sys.argv[1:]]; main()"


def started(settings: Settings, *words: str, **faults: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "HUXIN_HOME": str(settings.home),
        "HUXIN_DATABASE_URL": str(settings.database_url),
        "HUXIN_NOW": settings.now().isoformat(),
        "HUXIN_LANG": "en",
        **faults,
    }
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "audit", "sequence", *words],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


# In the second batch: the one before it is committed, the one after it untouched.
LIMITED = "from huxin.registry import sequencing; sequencing.drain.__defaults__ = (10,); " + PROGRAM


@pytest.mark.parametrize("passage", [1, 2])
@pytest.mark.parametrize("stage", AUDIT_STAGES)
def test_nothing_is_lost_and_nothing_doubled(
    home: Settings, stage: str, passage: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "PROGRAM", LIMITED)
    asked = ask_many(home, 34)  # and two acts that the sequencer itself notes
    dying = started(home, "--once", HUXIN_FAULT=f"{stage}@{passage}")
    dying.communicate(timeout=180)
    assert dying.returncode == -signal.SIGKILL
    committed = 10 * (passage if stage == "audit.committed" else passage - 1)
    assert head_of(home)[0] == committed
    assert run_sql(home, "SELECT count(*) FROM outbox") == [(36 - committed,)]
    assert run_sql(home, "SELECT count(*) FROM audit_leaf") == [(committed,)]
    assert drain(home) == 36 - committed
    leaves = run_sql(
        home, "SELECT record_id FROM audit_leaf WHERE topic = 'enquiry.answered' ORDER BY number"
    )
    assert sorted(leaves) == sorted((each,) for each in asked)
    assert run_sql(home, "SELECT count(*) FROM mobile_enquiry") == [(17,)]
    assert verify_log(home).size == 36
    for each in asked:
        verify_receipt(receipt_of(home, each) or {}, keys_of(home).verifiers)


def test_it_runs_until_told_and_takes_what_comes_meanwhile(home: Settings) -> None:
    running = started(home)
    try:
        enquiry = ask_many(home, 3)[0]
        until(lambda: receipt_of(home, enquiry) is not None)
        # A row whose id is older than all that was taken, as one of a random number may be.
        run_sql(home, "UPDATE outbox SET topic = topic")
        number = put(home, "submission.withdrawn", {"member": 1})
        until(lambda: receipt_of(home, number) is not None)
        second = started(home)
        told = second.communicate(timeout=180)[1]
        assert (second.returncode, "H1301" in told) == (1, True)
    finally:
        running.send_signal(signal.SIGTERM)
        told = running.communicate(timeout=180)[1]
    assert running.returncode == 0
    assert "6 leaves added" in told
    assert verify_log(home).size == 6


def test_it_comes_back_when_its_connection_was_lost(home: Settings) -> None:
    running = started(home)
    try:
        first = ask_many(home, 1)[0]
        until(lambda: receipt_of(home, first) is not None)
        ended = run_sql(
            home,
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        assert ended
        second = ask_many(home, 1)[0]
        until(lambda: receipt_of(home, second) is not None)
    finally:
        running.send_signal(signal.SIGTERM)
        told = running.communicate(timeout=180)[1]
    assert running.returncode == 0, told
    assert "H0502" in told


def until(holds: object, seconds: float = 180.0) -> None:
    """Waits for what another process is to do; the limit is only there to end a test that fails."""
    assert callable(holds)
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
