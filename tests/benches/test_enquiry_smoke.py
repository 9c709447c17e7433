"""The enquiry bench runs through: small, short, and leaving nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from huxin.registry import embedded
from huxin.settings import Settings

BENCH = Path(__file__).parents[2] / "benches" / "enquiry.py"
SMALL = ["--loans", "5000", "--seconds", "1", "--rounds", "1", "--no-growth"]


def environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HUXIN_")}
    return kept | {"HUXIN_BENCH_DIR": str(folder), "PYTHONUTF8": "1"}


@pytest.mark.slow
def test_it_measures_everything_and_ends_with_one_line_of_json(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, BENCH, *SMALL],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    ratios = {"hello_ratio", "sql_ratio", "p50_ratio", "reservation_spread_ratio", "reservation_hot_ratio"}
    assert ratios <= figures.keys()
    assert all(figures[name] > 0 for name in ratios)
    assert figures["cap_breaches"] == 0
    assert "gather: first statement" in done.stdout
    assert not embedded.status(Settings(home=tmp_path / "enquiry")).running


@pytest.mark.slow
def test_ctrl_c_ends_every_server_it_started(tmp_path: Path) -> None:
    started = subprocess.Popen(
        [sys.executable, BENCH, *SMALL, "--only", "race", "--seconds", "120"],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert started.stdout is not None
    for line in started.stdout:
        if line.startswith("round 1"):
            break
    started.send_signal(signal.SIGINT)
    assert started.wait(180) != 0
    home = Settings(home=tmp_path / "enquiry")
    assert not embedded.status(home).running
    assert wait_until_gone(str(home.home))


def wait_until_gone(words: str) -> bool:
    """Whether within some seconds no process is left whose environment names the bench's home."""
    for _ in range(300):
        if not any(words in read(process / "environ") for process in Path("/proc").glob("[0-9]*")):
            return True
        time.sleep(0.2)
    return False


def read(file: Path) -> str:
    try:
        return file.read_bytes().decode(errors="replace")
    except OSError:
        return ""
