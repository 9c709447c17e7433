"""`make serve` told to stop: an orderly end with a plain word; a demo that is cut short is none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from huxin.demo import __main__ as demo
from huxin.demo.served import Served

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def staged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """The demo without its night and its servers; what was put in order again at the end is told."""
    done: list[str] = []

    @contextmanager
    def served(*_: object, **__: object) -> Iterator[Served]:
        with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
            try:
                yield Served("http://127.0.0.1:1", process, {}, {})
            finally:
                process.kill()
                done.append("ended")

    monkeypatch.setenv("HUXIN_HOME", str(tmp_path))
    monkeypatch.setenv("HUXIN_LANG", "en")
    monkeypatch.setenv("HUXIN_NOW", demo.EVENING)
    monkeypatch.setattr(demo, "_server", lambda *_: nullcontext())
    monkeypatch.setattr(demo, "served", served)
    for step in ("run_night", "print_account", "print_questions", "ask_over_http", "print_lines"):
        monkeypatch.setattr(demo, step, lambda *_: None)
    before = [signal.getsignal(each) for each in SIGNALS]
    yield done
    for each, handler in zip(SIGNALS, before, strict=True):
        signal.signal(each, handler)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("when", ["run_night", "print_lines"])
def test_a_served_demo_that_is_told_to_stop_ends_well(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    staged: list[str],
    number: signal.Signals,
    when: str,
) -> None:
    monkeypatch.setattr(demo, when, lambda *_: os.kill(os.getpid(), number))
    demo.main(stay=True)
    told = capsys.readouterr()
    assert "Stopped. Its state is in" in told.out
    assert told.err == ""
    assert staged == (["ended"] if when == "print_lines" else [])


@pytest.mark.parametrize("number", SIGNALS)
def test_a_demo_that_is_cut_short_says_by_its_code_that_it_is_none(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setattr(demo, "run_night", lambda *_: os.kill(os.getpid(), number))
    with pytest.raises(SystemExit) as ended:
        demo.main(stay=False)
    assert ended.value.code == 128 + number
